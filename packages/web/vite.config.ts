import { fileURLToPath } from 'node:url'

import tailwindcss from '@tailwindcss/vite'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

/** Where `vite dev` finds the API. */
const apiServer = process.env.SLIPWAY_API ?? 'http://127.0.0.1:3000'

export default defineConfig({
  // Its own pass would replace `light-dark()` by variables that are resolved at the root only, and a part of a
  // page could no longer have a scheme of its own.
  plugins: [react(), tailwindcss({ optimize: false })],
  resolve: {
    // The browser validates nothing: it needs methods and paths of the contract, not its schemas.
    alias: { typebox: fileURLToPath(new URL('./src/api/schema-free-typebox.ts', import.meta.url)) },
  },
  build: {
    target: 'es2023',
    cssTarget: ['chrome123', 'edge123', 'firefox120', 'safari17.5'],
    sourcemap: false,
    // The terminal is one chunk, loaded only where one is opened.
    chunkSizeWarningLimit: 600,
    rolldownOptions: {
      treeshake: {
        moduleSideEffects: (id) => !/packages\/(contract|client)\//.test(id),
      },
    },
  },
  server: {
    host: '127.0.0.1',
    proxy: { '/api': { target: apiServer, ws: true } },
  },
})
