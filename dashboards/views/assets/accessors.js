// What rows mean. Handed to deck.gl's JSON converter by the pane.
({
  functions: {
    classed: ({palette, key}) => (row) => palette[row[key]],
  },
})
