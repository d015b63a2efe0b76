// What rows mean: one letter a time step, "0" for no data. Handed to deck.gl's JSON converter by the pane.
({
  functions: {
    coded: ({step, palette}) => (row) => palette[row.c.charCodeAt(step) - 48],
    codedHeight: ({step, unit}) => (row) => (row.c.charCodeAt(step) - 48) * unit,
    classed: ({palette, key}) => (row) => palette[row[key]],
  },
})
