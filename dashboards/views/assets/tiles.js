// Vector tiles as a deck.gl layer: shapes come once, the codes of values apart, and a step of time only reads another
// byte of them. Handed to deck.gl's JSON converter by the pane, so this file is one expression: what meshes.js gives
// makes the class.
(({RoofLayer, roofsOf}) => {
  const {TileLayer, SolidPolygonLayer, PathLayer, LineLayer, ScatterplotLayer} = window.deck;
  const text = new TextDecoder(), TILE_PX = 1024;

  // Protocol buffers, as far as vector tiles use them.
  class Fields {
    constructor(bytes, at = 0, end = bytes.length) {
      Object.assign(this, {bytes, at, end});
    }
    number() {
      let value = 0, scale = 1, byte;
      do {
        byte = this.bytes[this.at++];
        value += (byte & 127) * scale;
        scale *= 128;
      } while (byte > 127);
      return value;
    }
    part() {
      const size = this.number();
      this.at += size;
      return new Fields(this.bytes, this.at - size, this.at);
    }
    string() {
      return text.decode(this.bytes.subarray(this.at, this.end));
    }
    // Calls with the number of each field; what the reader does not take is skipped.
    each(read) {
      while (this.at < this.end) {
        const tag = this.number(), before = this.at;
        read(tag >> 3, tag & 7);
        if (this.at === before) this.skip(tag & 7);
      }
    }
    skip(wire) {
      if (wire === 0) this.number();
      else if (wire === 2) this.part();
      else this.at += wire === 5 ? 4 : 8;
    }
    float() {
      this.at += 4;
      return new DataView(this.bytes.buffer, this.bytes.byteOffset + this.at - 4, 4).getFloat32(0, true);
    }
  }

  const valueOf = (field) => {
    let value = null;
    field.each((number) => {
      if (number === 1) value = field.part().string();
      else if (number === 2) value = field.float();
      else if (number === 5) value = field.number();
    });
    return value;
  };

  const layersOf = (bytes) => {
    const layers = {}, tile = new Fields(bytes);
    tile.each((number) => {
      if (number !== 3) return;
      const field = tile.part(), layer = {features: [], keys: [], values: [], extent: 4096};
      let name = "";
      field.each((key) => {
        if (key === 1) name = field.part().string();
        else if (key === 2) layer.features.push(field.part());
        else if (key === 3) layer.keys.push(field.part().string());
        else if (key === 4) layer.values.push(valueOf(field.part()));
        else if (key === 5) layer.extent = field.number();
      });
      layers[name] = layer;
    });
    return layers;
  };

  // An id has 64 bits: where it stands, so that only the one that is asked for becomes text.
  const featureOf = (field, layer) => {
    const found = {id: 0, type: 0, idAt: 0};
    field.each((number) => {
      if (number === 1) {
        found.idAt = field.at;
        found.id = field.number();
      } else if (number === 2) {
        const tags = field.part();
        while (tags.at < tags.end) found[layer.keys[tags.number()]] = layer.values[tags.number()];
      } else if (number === 3) found.type = field.number();
      else if (number === 4) found.geometry = field.part();
    });
    return found;
  };

  const hexOf = (bytes, at) => {
    let value = 0n, shift = 0n, byte;
    do {
      byte = bytes[at++];
      value |= BigInt(byte & 127) << shift;
      shift += 7n;
    } while (byte > 127);
    return value.toString(16);
  };

  const zigzag = (value) => value % 2 ? -(value + 1) / 2 : value / 2;

  // Parts of a feature as steps in the tile: rings without their last position, lines, or single points.
  const partsOf = (geometry) => {
    const parts = [];
    let x = 0, y = 0, part = null;
    while (geometry.at < geometry.end) {
      const command = geometry.number(), kind = command & 7;
      if (kind === 7) continue;
      for (let count = command >> 3; count > 0; count--) {
        x += zigzag(geometry.number());
        y += zigzag(geometry.number());
        if (kind === 1) parts.push(part = []);
        part.push(x, y);
      }
    }
    return parts;
  };

  const doubledArea = (ring) => {
    let sum = 0;
    for (let i = 0, j = ring.length - 2; i < ring.length; j = i, i += 2) sum += ring[j] * ring[i + 1] - ring[i] * ring[j + 1];
    return sum;
  };

  const onto = ({x, y, z}, extent) => {
    const size = extent * 2 ** z, left = extent * x, top = extent * y;
    return (steps, closed) => {
      const out = new Float64Array(steps.length + (closed ? 2 : 0));
      for (let i = 0; i < steps.length; i += 2) {
        out[i] = (left + steps[i]) / size * 360 - 180;
        out[i + 1] = Math.atan(Math.sinh(Math.PI * (1 - 2 * (top + steps[i + 1]) / size))) * 180 / Math.PI;
      }
      if (closed) out.set([out[0], out[1]], steps.length);
      return out;
    };
  };

  const joined = (rings) => {
    const positions = new Float64Array(rings.reduce((sum, ring) => sum + ring.length, 0)), holeIndices = [];
    let at = 0;
    for (const ring of rings) {
      if (at) holeIndices.push(at);
      positions.set(ring, at);
      at += ring.length;
    }
    return {positions, holeIndices};
  };

  // One row a part; i is the feature's place in the tile, which the codes follow.
  const rowsOf = (features, place, kind) => {
    const rows = [];
    features.forEach(({geometry, id, h, w, t = ""}, i) => {
      let rings = [];
      const done = () => rings.length && rows.push({p: joined(rings), h, t, id, i});
      for (const part of partsOf(geometry)) {
        if (kind !== "buildings") rows.push({p: place(part, false), w, t, id, i});
        else if (doubledArea(part) > 0) {
          done();
          rings = [place(part, true)];
        } else rings.push(place(part, true));
      }
      done();
    });
    return rows;
  };

  // Cells are convex: their triangles are known, and they go to the graphics card as they are.
  const cellsOf = (features, place) => {
    const rings = features.map(({geometry}) => place(partsOf(geometry)[0], true));
    const startIndices = new Uint32Array(rings.length + 1);
    rings.forEach((ring, i) => (startIndices[i + 1] = startIndices[i] + ring.length / 2));
    const value = new Float64Array(2 * startIndices[rings.length]);
    const indices = new Uint32Array(3 * rings.reduce((sum, ring) => sum + ring.length / 2 - 3, 0));
    let at = 0;
    rings.forEach((ring, i) => {
      value.set(ring, 2 * startIndices[i]);
      for (let k = 1; k < ring.length / 2 - 2; k++, at += 3) {
        indices.set([startIndices[i], startIndices[i] + k, startIndices[i] + k + 1], at);
      }
    });
    return {length: rings.length, startIndices, attributes: {getPolygon: {value, size: 2}, indices: {value: indices, size: 1}}};
  };

  // Lines as single stretches, which cost a third of bent paths to draw: what is a pixel or two wide shows no joints.
  // All stretches of a row carry the colour that finds it under the pointer, so they are one thing there.
  const stretchesOf = (rows) => {
    const length = rows.reduce((sum, {p}) => sum + p.length / 2 - 1, 0), owners = new Uint32Array(length);
    const from = new Float64Array(2 * length), to = new Float64Array(2 * length);
    const widths = new Float32Array(length), found = new Uint8ClampedArray(4 * length);
    let at = 0;
    rows.forEach(({p, w}, number) => {
      for (let k = 0; k + 2 < p.length; k += 2, at++) {
        from.set([p[k], p[k + 1]], 2 * at);
        to.set([p[k + 2], p[k + 3]], 2 * at);
        found.set([number + 1 & 255, number + 1 >> 8 & 255, number + 1 >> 16 & 255], 4 * at);
        widths[at] = w;
        owners[at] = number;
      }
    });
    const attributes = {
      getSourcePosition: {value: from, size: 2}, getTargetPosition: {value: to, size: 2},
      getWidth: {value: widths, size: 1}, instancePickingColors: {value: found, size: 4},
    };
    return {length, owners, attributes};
  };

  // Buildings that come with their surfaces are no blocks: of each one or the other.
  const withRoofs = (rows, found) => {
    const row = new Map(rows.map((one) => [one.i, one])), roofed = new Set(found.places);
    return {drawn: rows.filter(({i}) => !roofed.has(i)), roofs: {...found, rows: found.places.map((i) => row.get(i))}};
  };

  const contentOf = (bytes, index, kind, name) => {
    const layers = layersOf(bytes), layer = layers[name];
    if (!layer) return null;
    const features = layer.features.map((field) => featureOf(field, layer));
    const place = onto(index, layer.extent), [about] = layers.about.features.map((field) => featureOf(field, layers.about));
    return {
      bytes,
      drawn: kind === "cells" ? cellsOf(features, place) : rowsOf(features, place, kind), roofs: null,
      ids: Array.from(features, (feature) => (kind === "cells" ? feature.idAt : feature.id)),
      shown: about.shown, total: about.total, resolution: about.resolution,
      codes: new Map(), asked: new Set(), last: null,
    };
  };

  // Houses apart by whether they are as high as a pixel of their tile is wide.
  const byHeight = (rows, {y, z}) => {
    const across_m = 40075016.7 / 2 ** z / TILE_PX / Math.cosh(Math.PI * (1 - 2 * (y + 0.5) / 2 ** z));
    return {low: rows.filter(({h}) => h < across_m), high: rows.filter(({h}) => !(h < across_m))};
  };

  // Of what is lower than a pixel only the tops: walls are four fifths of the work, and nobody sees these.
  class TopsLayer extends SolidPolygonLayer {
    draw(options) {
      const {sideModel} = this.state;
      this.state.sideModel = null;
      super.draw(options);
      this.state.sideModel = sideModel;
    }
  }
  TopsLayer.layerName = "TopsLayer";

  const bytesOf = async (url, signal) => {
    const answer = await fetch(url, {signal});
    if (!answer.ok) throw new Error(`${url}: ${answer.status}`);
    return new Uint8Array(await answer.arrayBuffer());
  };

  class CityTileLayer extends TileLayer {
    urlOf({x, y, z}, ending) {
      const url = this.props.data.replace("{x}", x).replace("{y}", y).replace("{z}", z);
      return url.replace(".mvt", ending);
    }

    async getTileData({index, signal}) {
      const {chunk, kind, name} = this.props, codesUrl = this.urlOf(index, `/${chunk}.bin`);
      const asked = [bytesOf(this.urlOf(index, ".mvt"), signal), chunk < 0 ? null : bytesOf(codesUrl, signal)];
      const [shapes, codes, roofs] = await Promise.all([...asked, this.roofsAt(index, signal)]);
      const content = contentOf(shapes, index, kind, name);
      if (content && codes) content.codes.set(chunk, codes);
      if (content && roofs) Object.assign(content, withRoofs(content.drawn, roofs));
      return content;
    }

    // The surfaces of a tile near by. What has none is drawn as blocks, and so is a tile whose surfaces do not come.
    async roofsAt(index, signal) {
      if (this.props.roofs < 0 || index.z < this.props.roofs) return null;
      try {
        return roofsOf(await bytesOf(this.urlOf(index, ".glb"), signal));
      } catch (error) {
        if (signal?.aborted) throw error;
        console.error(error);
        return null;
      }
    }

    get isLoaded() {
      const {chunk} = this.props;
      const has = ({content}) => chunk < 0 || !content?.ids.length || content.codes.has(chunk);
      return super.isLoaded && this.state.tileset.selectedTiles.every(has);
    }

    // What the tiles on the screen hold.
    contents() {
      const tiles = this.state?.tileset?.selectedTiles ?? [];
      return tiles.map((tile) => tile.content).filter(Boolean);
    }

    countThings() {
      return this.contents().reduce((sum, content) => sum + content.ids.length, 0);
    }

    // The clock has left the run of steps that a tile has values of: what it shows stays until the next run is here.
    async fetchCodes(tile, chunk) {
      const {content} = tile;
      if (content.asked.has(chunk)) return;
      content.asked.add(chunk);
      try {
        content.codes.set(chunk, await bytesOf(this.urlOf(tile.index, `/${chunk}.bin`)));
      } catch (error) {
        content.asked.delete(chunk);
        console.error(error);
        return;
      }
      tile.layers = null;
      this.getCurrentLayer()?.setNeedsUpdate();
    }

    codeOf(tile) {
      const {content} = tile, {chunk, step} = this.props;
      if (chunk < 0) return () => 0;
      if (content.codes.has(chunk)) content.last = {codes: content.codes.get(chunk), step};
      else this.fetchCodes(tile, chunk);
      if (!content.last) return () => 0;
      const {codes, step: shown} = content.last, begin = shown * content.ids.length;
      return (i) => codes[begin + i];
    }

    renderSubLayers(props) {
      const {tile} = props, {content} = tile;
      if (!content || !content.ids.length) return null;
      const {kind, palette, unit, step, chunk, look} = this.props, code = this.codeOf(tile);
      const colour = kind === "cells" ? (_row, {index}) => palette[code(index)] : (row) => palette[code(row.i)];
      const shown = [content.last?.step ?? step, content.codes.has(chunk) ? chunk : -1, look];
      const common = {
        ...props, data: content.drawn, modelMatrix: null, _normalize: false,
        updateTriggers: {getFillColor: shown, getColor: shown, getLineColor: shown, getElevation: [...shown, unit]},
      };
      if (kind === "lines" && tile.index.z < this.props.maxZoom) {
        const stretches = content.stretches ??= stretchesOf(content.drawn);
        const getColor = (_row, {index}) => palette[code(content.drawn[stretches.owners[index]].i)];
        return new LineLayer({...common, id: `${props.id}-far`, data: stretches, getColor});
      }
      if (kind === "lines") {
        return new PathLayer({...common, getPath: (row) => row.p, positionFormat: "XY", _pathType: "open", getWidth: (row) => row.w, getColor: colour});
      }
      if (kind === "points") {
        const getLineColor = (row) => this.props.rings[code(row.i)];
        return new ScatterplotLayer({...common, getPosition: (row) => row.p, getFillColor: colour, getLineColor});
      }
      const solid = {...common, filled: true, positionFormat: "XY", getPolygon: (row) => row.p, getFillColor: colour};
      if (kind === "cells") return new SolidPolygonLayer({...solid, getElevation: (_row, {index}) => code(index) * unit});
      const {roofs} = content, {low, high} = content.parts ??= byHeight(content.drawn, tile.index);
      const blocks = {...solid, getElevation: (row) => row.h};
      return [
        high.length && new SolidPolygonLayer({...blocks, data: high}),
        low.length && new TopsLayer({...blocks, id: `${props.id}-low`, data: low}),
        roofs && new RoofLayer({
          ...common, id: `${props.id}-roofs`, data: roofs.drawn, extruded: false, positionFormat: "XYZ",
          getFillColor: (_row, {index}) => colour(roofs.rows[index]),
        }),
      ].filter(Boolean);
    }

    // What is under the pointer, by its id in the table or its cell: a tile's own numbers mean nothing elsewhere.
    getPickingInfo(params) {
      const info = super.getPickingInfo(params), content = info.sourceTile?.content ?? info.tile?.content;
      if (!info.picked || !content) return info;
      const cell = this.props.kind === "cells";
      const part = {roofs: content.roofs?.rows, low: content.parts?.low}[info.sourceLayer?.id.split("-").at(-1)];
      const row = cell ? null : (part ?? content.parts?.high ?? content.drawn)[info.index];
      info.object = cell ? {x: hexOf(content.bytes, content.ids[info.index])} : row;
      info.index = cell ? info.object.x : row.id;
      return info;
    }
  }
  CityTileLayer.layerName = "CityTileLayer";
  CityTileLayer.defaultProps = {
    kind: "buildings", name: "", palette: [[0, 0, 0, 0]], rings: [[0, 0, 0, 0]], unit: 0, step: 0, chunk: -1, look: "", tileSize: TILE_PX, roofs: -1,
  };
  return CityTileLayer;
})
