/**
 * Vega and Vega-Lite, which are modules that await at their top: only a real import() can load them, and what the
 * TypeScript compiler makes of one in CommonJS is a require(). So this file is JavaScript, and no module itself.
 */
exports.loadVega = async () => {
  const [vega, vegaLite] = await Promise.all([import("vega"), import("vega-lite")]);
  return { vega, vegaLite };
};
