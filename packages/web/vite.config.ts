import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'

import tailwindcss from '@tailwindcss/vite'
import react from '@vitejs/plugin-react'
import { defineConfig, type Plugin } from 'vite'

import { bareRoutes } from './bare-routes.ts'
import { monogramIcons } from './monogram-icons.ts'

/** Where `vite dev` finds the API. */
const apiServer = process.env.SLIPWAY_API ?? 'http://127.0.0.1:3000'

/** Pages whose modules are all asked for at once. */
const DAILY = /(^|\/)(frame|workspaces-page|workspace-page|agents-layout|chat-page)-/

/**
 * Icons of the sign-in page. All others are one file: a page has dozens of them, and to ask for each was a fifth of the
 * work of loading it. An icon that the sign-in page gets is named here, or that page loads all of them (UI-1901).
 */
const SIGN_IN_ICONS = new Set(
  [
    'box check chevron-down circle-check circle-exclamation-point cloud-off copy eye eye-off',
    'fingerprint-pattern info refresh-cw triangle-exclamation-point wifi-off x',
  ].flatMap((line) => line.split(' ')),
)

function isIconOfOthers(module: string): boolean {
  const [, icon] = /\/lucide-react\/dist\/esm\/icons\/([\w-]+)\.mjs$/.exec(module) ?? []
  return icon !== undefined && !SIGN_IN_ICONS.has(icon)
}

/** Text below this size, in bytes, gains nothing. */
const SMALLEST = 1024

/** Writes `.br` and `.gz` beside every text file of the build, so that the server compresses nothing itself (L-8). */
function compressed(): Plugin {
  return {
    name: 'compressed',
    apply: 'build',
    // Files as they are on disk: until then other plugins still change them.
    async writeBundle({ dir = 'dist' }, bundle) {
      for (const name of Object.keys(bundle).filter((file) => /\.(js|css|svg)$/.test(file))) {
        const file = path.join(dir, name)
        const source = await readFile(file)
        if (source.byteLength < SMALLEST) continue
        const params = {
          [constants.BROTLI_PARAM_QUALITY]: 11,
          [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
          [constants.BROTLI_PARAM_SIZE_HINT]: source.byteLength,
        }
        await writeFile(`${file}.br`, brotliCompressSync(source, { params }))
        await writeFile(`${file}.gz`, gzipSync(source, { level: 9 }))
      }
    },
  }
}

export default defineConfig({
  // Its own pass would replace `light-dark()` by variables that are resolved at the root only, and a part of a
  // page could no longer have a scheme of its own.
  plugins: [
    react(),
    tailwindcss({ optimize: false }),
    bareRoutes(),
    monogramIcons(fileURLToPath(new URL('./public/icon', import.meta.url))),
    compressed(),
  ],
  resolve: {
    // The browser validates nothing: it needs methods and paths of the contract, not its schemas.
    alias: { typebox: fileURLToPath(new URL('./src/api/schema-free-typebox.ts', import.meta.url)) },
  },
  build: {
    target: 'es2023',
    cssTarget: ['chrome123', 'edge123', 'firefox120', 'safari17.5'],
    sourcemap: false,
    modulePreload: {
      // The sign-in page loads the list of what each page needs, too (UI-1901): it names only what people open all day.
      // Other pages ask for theirs when they begin to run.
      resolveDependencies: (page, needed, { hostType }) =>
        hostType === 'html' || DAILY.test(page) ? needed : [],
    },
    // The terminal is one chunk, loaded only where one is opened.
    chunkSizeWarningLimit: 600,
    rolldownOptions: {
      // Compressing takes most of a build, as it should: nobody who starts the server has to read about it.
      checks: { pluginTimings: false },
      output: {
        codeSplitting: {
          groups: [{ name: 'icons', test: isIconOfOthers, includeDependenciesRecursively: false }],
        },
      },
      treeshake: {
        // Toggles come with a library that the sign-in page has no use for (UI-1901).
        moduleSideEffects: (id) => !/packages\/(contract|client)\/|src\/ui\/toggle\.tsx$/.test(id),
      },
    },
  },
  server: {
    host: '127.0.0.1',
    proxy: { '/api': { target: apiServer, ws: true } },
  },
})
