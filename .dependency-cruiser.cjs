// Which way dependencies may point (docs/architecture.md). Tests may use everything.
const TEST = '\\.(test|fixture)\\.ts$|^packages/testkit/'
const only = (name, from, allowed) => ({
  name: `${name}-imports`,
  severity: 'error',
  from: { path: `^packages/${name}/src`, pathNot: TEST, ...from },
  to: { path: '^packages/', pathNot: `^packages/(${[name, ...allowed].join('|')})/` },
})

module.exports = {
  forbidden: [
    only('contract', {}, []),
    only('request-log', {}, []),
    only('tunnel', {}, []),
    only('drpc', {}, []),
    only('tailnet', {}, []),
    only('template', {}, []),
    only('mcp-tools', {}, ['contract']),
    only('client', {}, ['contract']),
    only('agent', {}, ['contract', 'client', 'tunnel', 'drpc', 'tailnet', 'request-log']),
    only('server', {}, ['contract', 'tunnel', 'drpc', 'tailnet', 'request-log', 'template', 'mcp-tools']),
    {
      name: 'no-cycles',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'testkit-only-in-tests',
      severity: 'error',
      from: { path: '^packages/', pathNot: TEST },
      to: { path: '^packages/testkit/|\\.fixture\\.ts$' },
    },
    {
      name: 'database-only-from-stores',
      comment: 'Only stores speak SQL; the composition root opens the database.',
      severity: 'error',
      from: {
        path: '^packages/server/src/',
        pathNot: `${TEST}|^packages/server/src/database/|/store\\.ts$|/store/|^packages/server/src/(open-context|context)\\.ts$`,
      },
      to: { path: '^packages/server/src/database/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'features-only-through-index',
      comment: 'A feature uses another one only through its index.ts.',
      severity: 'error',
      from: { path: '^packages/server/src/([^/]+)/', pathNot: TEST },
      to: {
        path: '^packages/server/src/([^/]+)/',
        pathNot:
          '^packages/server/src/($1|errors|authz|edge|database|config|clock)/|^packages/server/src/[^/]+/index\\.ts$',
      },
    },
    {
      name: 'authz-and-errors-stand-alone',
      severity: 'error',
      from: { path: '^packages/server/src/(authz|errors)/', pathNot: TEST },
      to: { path: '^packages/server/src/', pathNot: '^packages/server/src/(authz|errors|histogram)/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: 'node_modules|/dist/' },
    tsPreCompilationDeps: false,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default'],
      extensions: ['.ts', '.tsx', '.js'],
    },
  },
}
