/** Pages are built into out/ and opened below a path: what they load is named relative to them. */
export default {
  output: "export",
  assetPrefix: ".",
  images: { unoptimized: true },
};
