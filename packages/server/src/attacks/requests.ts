// Requests that the generated attacks make, from the route table.
import { randomUUID } from 'node:crypto'

import type { Route } from '@slipway/contract'
import type { Schema } from './arbitraries.ts'

/** What paths name, by the name of the parameter. */
type Names = Readonly<Record<string, string>>

/** The parameters of the path of an operation. */
export function parametersOf(route: Route): string[] {
  return [...route.path.matchAll(/\{(\w+)\}/g)].map((found) => found[1] ?? '')
}

/** The path with these names in it. @throws Error for a parameter without one. */
export function pathOf(route: Route, names: Names): string {
  return route.path.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = names[name]
    if (value === undefined) throw new Error(`makeTenant has no object for {${name}} of ${route.path}`)
    return encodeURIComponent(value)
  })
}

/** A body that the operation takes, naming these objects where a body can name one. */
export function bodyOf(route: Route, names: Names): object {
  return {
    ...required(route.body),
    name: 'taken-over',
    password: 'Another-Password-2026!',
    transition: 'stop',
    ttl_ms: 7_200_000,
    deadline: new Date(Date.now() + 7_200_000).toISOString(),
    dormant: true,
    agent_name: 'main',
    port: 8080,
    value: 'x',
    env_name: 'X',
    content: 'X=1',
    schedule: 'CRON_TZ=UTC 0 3 * * *',
    file_id: names.fileID,
    ...(route.path.includes('/messages') ? { content: [{ type: 'text', text: 'x' }] } : {}),
    ...(route.path.endsWith('/workspaces') ? { template_id: names.template } : {}),
    ...(route.path.endsWith('/templates') ? { template_version_id: names.templateversion } : {}),
    ...(route.path.endsWith('{template}/versions') ? { id: names.templateversion } : {}),
  }
}

/** Any value for each field that a schema of an object requires. */
function required(schema: Schema | undefined): object {
  const { properties = {}, required: names = [] } = schema ?? {}
  return Object.fromEntries(
    names.flatMap((name) => {
      const property = properties[name]
      return property === undefined ? [] : [[name, anyValue(property)]]
    }),
  )
}

function anyValue(schema: Schema): unknown {
  if (schema.enum !== undefined) return schema.enum[0]
  if (schema.const !== undefined) return schema.const
  if (schema.anyOf !== undefined) return anyValue(schema.anyOf[0] ?? {})
  switch (schema.type) {
    case 'array':
      return []
    case 'boolean':
      return true
    case 'integer':
      return schema.minimum ?? 1
    case 'string':
      return schema.format === 'uuid' ? randomUUID() : 'x'
    default:
      return required(schema)
  }
}

/** Names of nothing, in the same form. */
export function nothing(names: Names): Names {
  return Object.fromEntries(
    Object.entries(names).map(([name, value]) => [
      name,
      /^[0-9a-f-]{36}$/.test(value) ? randomUUID() : /^\d+$/.test(value) ? value : 'absent',
    ]),
  )
}

/** An answer without the names that it gives back, and without what pages have a new one of each time. */
export function withoutNames(body: string, names: Names): string {
  return Object.values(names)
    .filter((name) => name.length > 4)
    .reduce((text, name) => text.replaceAll(name, '…'), body.replace(/ nonce="[^"]*"/g, ''))
}
