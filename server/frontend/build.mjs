// Bundles the scripts and styles into server/static/dist under hashed names, which manifest.json lists.
import { gzipSync } from "node:zlib";
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, "..", "static", "dist");

// The theme carries colours and type sizes for brands that no page uses: half of it.
const slimTheme = {
  name: "slim-theme",
  setup(build) {
    build.onLoad({ filter: /theme[\\/]designsystemet\.css$/ }, (found) => ({
      contents: readFileSync(found.path, "utf8")
        .replaceAll(/--ds-color-brand\d-[a-z-]+:[^;}]*;?/g, "")
        .replaceAll(/@layer ds\.theme\.typography\.secondary\{\[data-typography=secondary\]\{[^}]*\}\}/g, "")
        .replaceAll(/Inter\b/g, 'system-ui, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", Arial, sans-serif'),
      loader: "css",
    }));
  },
};

// The licence of every package that is in the bundles, as each asks to be kept with its copies.
function licences(inputs) {
  const names = new Set(inputs.map((path) => path.match(/node_modules\/((?:@[^/]+\/)?[^/]+)\//)?.[1]).filter(Boolean));
  return [...names].sort().map((name) => {
    const folder = join(here, "node_modules", name);
    const { version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    const file = readdirSync(folder).find((entry) => /^(licen[cs]e|mit-licence)/i.test(entry));
    return `${name} ${version} (${license})\n\n${file ? readFileSync(join(folder, file), "utf8").trim() : ""}\n`;
  }).join(`\n${"-".repeat(80)}\n\n`);
}

const report = {
  name: "manifest",
  setup(build) {
    build.onEnd(({ metafile, errors }) => {
      if (errors.length) return;
      const manifest = {};
      for (const [path, { entryPoint }] of Object.entries(metafile.outputs)) {
        if (entryPoint) manifest[basename(path).replace(/-[A-Z0-9]{8}(\.\w+)$/, "$1")] = basename(path);
      }
      writeFileSync(join(out, "manifest.json"), `${JSON.stringify(manifest, Object.keys(manifest).sort(), 1)}\n`);
      writeFileSync(join(out, "LICENSES.txt"), licences(Object.keys(metafile.inputs)));
      // What an earlier build left goes last, so that a server that runs meanwhile always finds its files.
      const built = new Set(["manifest.json", "LICENSES.txt", ...Object.keys(metafile.outputs).map((path) => basename(path))]);
      for (const name of readdirSync(out)) if (!built.has(name)) rmSync(join(out, name), { recursive: true });
      for (const name of Object.values(manifest)) {
        const body = readFileSync(join(out, name));
        console.log(`${name}: ${body.length} bytes, ${gzipSync(body, { level: 9 }).length} compressed`);
      }
    });
  },
};

const options = {
  absWorkingDir: here,
  entryPoints: readdirSync(join(here, "scripts"))
    .filter((name) => name.endsWith(".js") && !name.startsWith("_"))
    .map((name) => join("scripts", name))
    .concat(readdirSync(join(here, "styles")).filter((name) => !name.startsWith("_")).map((name) => join("styles", name))),
  outdir: out,
  entryNames: "[name]-[hash]",
  assetNames: "[name]-[hash]",
  bundle: true,
  format: "esm",
  target: ["es2022", "chrome111", "firefox115", "safari16.4"],
  minify: true,
  metafile: true,
  legalComments: "linked",
  loader: { ".png": "dataurl", ".svg": "dataurl" },
  plugins: [slimTheme, report],
  logLevel: "warning",
};

mkdirSync(out, { recursive: true });
if (process.argv.includes("--watch")) {
  const context = await esbuild.context(options);
  await context.watch();
} else {
  await esbuild.build(options);
}
