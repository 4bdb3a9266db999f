import { ApiFailure, type CallInput, Client, type ClientOptions } from '@slipway/client'
import type { ResponseOf, Route } from '@slipway/contract'
import type { Transport } from './transport.ts'

/** A client of the server with the way there, which its WebSockets take as well. */
export class Connection extends Client {
  readonly transport: Transport

  constructor(options: ClientOptions, transport: Transport) {
    super({ ...options, fetch: transport.fetch })
    this.transport = transport
  }

  override call<R extends Route>(route: R, input: CallInput<R> = {}): Promise<ResponseOf<R>> {
    return this.proved(() => super.call(route, input))
  }

  override upload<R extends Route>(
    route: R,
    bytes: Uint8Array<ArrayBuffer>,
    type: string,
    input: Pick<CallInput<R>, 'params' | 'query'> = {},
  ): Promise<ResponseOf<R>> {
    return this.proved(() => super.upload(route, bytes, type, input))
  }

  /**
   * Makes a request. When the server wants to know first who holds the session (L-32), somebody at the terminal is asked
   * for the proof and the request is made once more.
   *
   * @throws whatever the request does, CommandError when nobody can be asked.
   */
  async proved<T>(request: () => Promise<T>): Promise<T> {
    try {
      return await request()
    } catch (error) {
      const methods = stepUpMethods(error)
      if (methods === undefined) throw error
      const { proveIdentity } = await import('./step-up.ts')
      await proveIdentity((route, input) => super.call(route, input), methods)
    }
    return request()
  }
}

/** What the proof may be that the server asks for; undefined when it asks for none. */
function stepUpMethods(error: unknown): readonly string[] | undefined {
  if (!(error instanceof ApiFailure) || error.status !== 403) return undefined
  const { body } = error
  if (typeof body !== 'object' || body === null || !('step_up_required' in body)) return undefined
  const { step_up_required: required } = body
  const methods =
    typeof required === 'object' && required !== null && 'methods' in required ? required.methods : []
  return Array.isArray(methods) ? methods.map(String) : []
}
