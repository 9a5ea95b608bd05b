import { defineConfig } from "vitest/config";

// What the App lends to plugins. There is no jsx-runtime among it: JSX becomes React.createElement.
const globals = {
  react: "React",
  recoil: "recoil",
  "@fiftyone/operators": "__foo__",
  "@fiftyone/plugins": "__fop__",
  "@fiftyone/spaces": "__fosp__",
  "@fiftyone/state": "__fos__",
};

export default defineConfig({
  define: { "process.env.NODE_ENV": '"production"' },
  build: {
    target: "es2022",
    reportCompressedSize: false,
    lib: { entry: "src/plugin.ts", name: "FoPosePanels", formats: ["umd"], fileName: () => "index.umd.js" },
    rolldownOptions: { external: Object.keys(globals), output: { globals } },
  },
  test: { include: ["tests/**/*.test.ts"] },
});
