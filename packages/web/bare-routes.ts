import type { Plugin } from 'vite'

/** Of a call whose result nobody uses nothing stays. */
const PURE = '/* @__PURE__ */ '
const CONTRACT = /\/packages\/contract\/src\/[\w-]+\.ts$/

/**
 * Routes of the contract become what a browser reads of them, their method and path: schemas, ids and tags stay out of
 * the download, and with them all that only they mention (UI-1901).
 */
export function bareRoutes(): Plugin {
  return {
    name: 'bare-routes',
    apply: 'build',
    transform(code, module) {
      if (!CONTRACT.test(module)) return null
      const parts: string[] = []
      let done = 0
      for (const statement of this.parse(code, { lang: 'ts' }).body) {
        if (statement.type !== 'ExportNamedDeclaration') continue
        if (statement.declaration?.type !== 'VariableDeclaration') continue
        for (const { init } of statement.declaration.declarations) {
          if (init?.type !== 'CallExpression') continue
          if (init.callee.type !== 'Identifier' || init.callee.name !== 'route') continue
          const options = init.arguments[1]
          if (options === undefined) continue
          parts.push(code.slice(done, init.start), PURE, code.slice(init.start, options.start), '{}')
          done = options.end
        }
      }
      const bare = parts.join('') + code.slice(done)
      return { code: bare.replace(/\bType\.\w+\(/g, `${PURE}$&`), map: null }
    },
  }
}
