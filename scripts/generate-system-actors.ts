// The page of docs that says which work of the server runs as which system actor, from the calls that name it.
import { glob, readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

import { ACTOR_ROLES } from '@slipway/server/authz/actor-roles.ts'
import type { PermissionMap, RoleDefinition } from '@slipway/server/authz/permissions.ts'

const INTRODUCTION = `# System actors

Work that is not done for a request runs as one of these actors, and so do the few steps of a request that the caller's
own rights cannot cover. Each holds what its work needs and nothing more; none may do everything. The code that takes an
actor names the reason, which is what this page lists.

This page is generated: \`npm run generate\`.
`

const source = fileURLToPath(new URL('../packages/server/src/', import.meta.url))
const CALL = /systemActor\(\s*'(\w+)',\s*'((?:[^'\\]|\\.)*)',?\s*\)/g

/** The reasons that the sources give, by actor, with the folder that gives them. */
async function reasons(): Promise<Map<string, Set<string>>> {
  const found = new Map<string, Set<string>>()
  for await (const file of glob('**/*.ts', { cwd: source })) {
    if (file.endsWith('.test.ts')) continue
    for (const [, actor = '', reason = ''] of (await readFile(source + file, 'utf8')).matchAll(CALL)) {
      const own = found.get(actor) ?? new Set()
      own.add(`${file.includes('/') ? `\`${file.split('/')[0]}\`: ` : ''}${reason.replaceAll("\\'", "'")}`)
      found.set(actor, own)
    }
  }
  return found
}

function permissions(role: RoleDefinition): string[] {
  const levels = [
    ['everywhere', role.site],
    ['of one user', role.user],
    ['in one organization', role.org],
    ['of a member of one organization', role.member],
  ] as const
  return levels.flatMap(([level, map]) => (map === undefined ? [] : [`May, ${level}: ${listed(map)}.`]))
}

function listed(map: PermissionMap): string {
  return Object.entries(map)
    .map(
      ([type, actions]) =>
        `\`${type === '*' ? 'anything' : type}\` (${actions.map((one) => (one === '*' ? 'everything' : one)).join(', ')})`,
    )
    .join(', ')
}

const used = await reasons()
const actors = Object.entries<RoleDefinition>(ACTOR_ROLES).sort(([a], [b]) => (a < b ? -1 : 1))
const sections = actors.flatMap(([name, role]) => {
  const own = used.get(name)
  if (own === undefined) return []
  const work = [...own].sort().map((reason) => `- ${reason}`)
  return [
    [`## \`${name}\`: ${role.displayName}`, ...permissions(role), ['Work:', '', ...work].join('\n')].join(
      '\n\n',
    ),
  ]
})
await writeFile(
  new URL('../docs/system-actors.md', import.meta.url),
  `${[INTRODUCTION.trimEnd(), ...sections].join('\n\n')}\n`,
)
