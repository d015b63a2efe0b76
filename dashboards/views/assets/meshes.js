// Buildings with their own surfaces, from GLB: lit face by face, picked and coloured building by building. Handed to
// tiles.js, so this file is one expression.
(() => {
  const {SolidPolygonLayer} = window.deck;
  const text = new TextDecoder(), KINDS = {5122: Int16Array, 5123: Uint16Array, 5125: Uint32Array};

  // The light that deck.gl has for blocks: from the south and a little east, from the north, and from all sides.
  const LIT = `
    vec3 roof_normal = normalize(cross(dFdx(roof_position), dFdy(roof_position)));
    float roof_south = max(dot(roof_normal, normalize(vec3(1.0, -3.0, 1.0))), 0.0);
    float roof_north = max(dot(roof_normal, normalize(vec3(-1.0, 8.0, 2.5))), 0.0);
    color.rgb *= 0.42 + 0.62 * (roof_south + 0.9 * roof_north);`;

  // SimpleMeshLayer would take a tile for one thing; polygons whose triangles are known are as many things as they are.
  class RoofLayer extends SolidPolygonLayer {
    getShaders(type) {
      const shaders = super.getShaders(type);
      const inject = {
        "vs:#decl": "out vec3 roof_position;",
        "vs:#main-end": "roof_position = geometry.position.xyz;",
        "fs:#decl": "in vec3 roof_position;",
        "fs:DECKGL_FILTER_COLOR": LIT,
      };
      return {...shaders, inject: {...shaders.inject, ...inject}};
    }
  }
  RoofLayer.layerName = "RoofLayer";

  // Points of all buildings of a tile in degrees and metres, and which place in the tile each building has.
  const roofsOf = (bytes) => {
    const size = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(12, true);
    const told = JSON.parse(text.decode(bytes.subarray(20, 20 + size)));
    if (!told.meshes) return null;
    const arrayOf = (accessor) => {
      const {bufferView, componentType} = told.accessors[accessor], {byteOffset, byteLength} = told.bufferViews[bufferView];
      const Kind = KINDS[componentType];
      return new Kind(bytes.buffer, bytes.byteOffset + 28 + size + byteOffset, byteLength / Kind.BYTES_PER_ELEMENT);
    };
    const {attributes, indices} = told.meshes[0].primitives[0], [step] = told.nodes[0].scale;
    const {origin: [lon, lat], metres_per_degree: [across, along]} = told.asset.extras;
    const points = arrayOf(attributes.POSITION), features = arrayOf(attributes._FEATURE_ID_0);
    const count = points.length / 4, value = new Float64Array(3 * count), places = [], starts = [];
    for (let i = 0; i < count; i++) {
      value[3 * i] = lon + points[4 * i] * step / across;
      value[3 * i + 1] = lat - points[4 * i + 2] * step / along;
      value[3 * i + 2] = points[4 * i + 1] * step;
      if (!i || features[2 * i] !== features[2 * i - 2]) {
        places.push(features[2 * i]);
        starts.push(i);
      }
    }
    const attributesOf = {getPolygon: {value, size: 3}, indices: {value: Uint32Array.from(arrayOf(indices)), size: 1}};
    const drawn = {length: places.length, startIndices: Uint32Array.from([...starts, count]), attributes: attributesOf};
    return {places, drawn, triangles: told.accessors[indices].count / 3};
  };

  return {RoofLayer, roofsOf};
})()
