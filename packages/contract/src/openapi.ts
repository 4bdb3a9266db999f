import type { TSchema } from 'typebox'

import type { Route } from './route.ts'

/** The OpenAPI 3.1 document of these operations, in a stable order. */
export function openApi(routes: readonly Route[]): object {
  const paths: Record<string, Record<string, object>> = {}
  for (const route of [...routes].sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0))) {
    const item = paths[route.path] ?? {}
    paths[route.path] = item
    item[route.method.toLowerCase()] = operation(route)
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Slipway API',
      version: '2.0.0',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    paths,
    components: {
      securitySchemes: { CoderSessionToken: { type: 'apiKey', in: 'header', name: 'Coder-Session-Token' } },
    },
  }
}

function operation(route: Route): object {
  const parameters: object[] = [...route.path.matchAll(/\{([^}]+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }))
  const required: readonly string[] = route.query?.required ?? []
  for (const [name, schema] of Object.entries(route.query?.properties ?? {}))
    parameters.push({ name, in: 'query', required: required.includes(name), schema: plain(schema) })
  return {
    operationId: route.id,
    tags: [route.tag],
    ...(route.security === 'none' ? {} : { security: [{ CoderSessionToken: [] }] }),
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(route.body === undefined
      ? {}
      : {
          requestBody: {
            required: true,
            content: { [route.consumes?.[0] ?? 'application/json']: { schema: plain(route.body) } },
          },
        }),
    responses: Object.fromEntries(
      Object.entries(route.responses).map(([status, schema]) => [
        status,
        {
          description: '',
          ...(schema === null ? {} : { content: { [mediaType(route)]: { schema: plain(schema) } } }),
        },
      ]),
    ),
  }
}

/** Of answers. */
function mediaType({ errors }: Route): string {
  return errors === 'scim' ? 'application/scim+json' : 'application/json'
}

/** TypeBox keeps type information in hidden fields; JSON has only what JSON Schema knows. */
function plain(schema: TSchema): unknown {
  return JSON.parse(JSON.stringify(schema))
}
