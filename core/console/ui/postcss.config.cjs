module.exports = {
  plugins: {
    "postcss-preset-mantine": {},
    "postcss-simple-vars": {
      variables: { "mantine-breakpoint-xs": "360px", "mantine-breakpoint-sm": "768px", "mantine-breakpoint-lg": "1200px" },
    },
  },
};
