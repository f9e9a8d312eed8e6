// Parses the formulas that come in as JSON, and gives back those that KaTeX refuses.
const katex = require("katex");
const formulas = JSON.parse(require("fs").readFileSync(0, "utf-8"));
const refused = [];
for (const [formula, displayMode] of formulas) {
  try {
    katex.renderToString(formula, { displayMode, throwOnError: true, strict: "error" });
  } catch (error) {
    refused.push([formula, String(error.message)]);
  }
}
process.stdout.write(JSON.stringify(refused));
