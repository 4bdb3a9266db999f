import { type TSchema, Type } from 'typebox'
import { Compile } from 'typebox/compile'

import { Response as Envelope, OAuth2Error, type Route, routes } from '@slipway/contract'
import { canonicalTarget } from '@slipway/server/edge/canonical-target.ts'

/** What the router itself refuses gets the answer of the API. */
const OAuthErrors = Type.Union([OAuth2Error, Envelope])

/** Servers whose answers are held against the contract. */
const origins = new Set<string>()
/** By schema: what of a body does not match it. */
const checks = new WeakMap<TSchema, (body: unknown) => string | undefined>()
let watching = false

/**
 * Until disposal every answer of this server that a test receives by `fetch` must be one that the contract declares: status
 * and body of its route, or the envelope of errors. One that is not makes the request fail with a message that says where.
 */
export function checkResponsesOf(url: string): Disposable {
  const { origin } = new URL(url)
  origins.add(origin)
  watch()
  // Its port may be that of a fake later.
  return { [Symbol.dispose]: () => void origins.delete(origin) }
}

function watch(): void {
  if (watching) return
  watching = true
  const send = globalThis.fetch
  globalThis.fetch = async (input, init) => {
    const response = await send(input, init)
    const asked = new URL(input instanceof Request ? input.url : input)
    if (!origins.has(asked.origin)) return response
    const method = (init?.method ?? (input instanceof Request ? input.method : 'GET')).toUpperCase()
    const fault = await faultOf(method, asked.pathname, response)
    if (fault !== undefined)
      throw new Error(`${method} ${asked.pathname} answered against the contract: ${fault}`)
    return response
  }
}

async function faultOf(method: string, path: string, response: Response): Promise<string | undefined> {
  const { status } = response
  const route = routeOf(method, path)
  if (route === undefined || route.stream !== undefined || (status >= 300 && status < 400)) return undefined
  const isJson = /^application\/(.*\+)?json/.test(response.headers.get('content-type') ?? '')
  const errors = route.responses[status] ?? (route.errors === 'oauth' ? OAuthErrors : Envelope)
  if (status >= 400) return isJson ? mismatch(errors, await response.clone().json()) : undefined
  if (!Object.hasOwn(route.responses, status)) return `status ${status} is not declared`
  const schema = route.responses[status]
  if (schema === null || schema === undefined || !isJson) return undefined
  return mismatch(schema, await response.clone().json())
}

function mismatch(schema: TSchema, body: unknown): string | undefined {
  let check = checks.get(schema)
  if (check === undefined) {
    const compiled = Compile(schema)
    check = (candidate) => {
      if (compiled.Check(candidate)) return undefined
      const [error] = compiled.Errors(candidate)
      return `${error?.instancePath} ${error?.message} in ${JSON.stringify(candidate).slice(0, 300)}`
    }
    checks.set(schema, check)
  }
  return check(body)
}

const patterns = routes.map((route) => ({ route, segments: route.path.split('/') }))

/** The operation that a request is for; a literal segment wins over a parameter, as in the router. */
function routeOf(method: string, path: string): Route | undefined {
  const asked = canonicalTarget(path, method).split('/')
  const fitting = patterns.filter(
    ({ route, segments }) =>
      route.method === method &&
      segments.length === asked.length &&
      segments.every((segment, index) => segment.startsWith('{') || segment === asked[index]),
  )
  const literals = ({ segments }: (typeof patterns)[number]): string =>
    segments.map((segment) => (segment.startsWith('{') ? '1' : '0')).join('')
  return fitting.sort((a, b) => (literals(a) < literals(b) ? -1 : 1))[0]?.route
}
