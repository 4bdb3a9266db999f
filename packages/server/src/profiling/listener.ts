import { fastify } from 'fastify'

import { describeError, type Logger } from '@slipway/request-log'
import { ApiError } from '../errors/index.ts'
import { commandLine, NO_SYMBOLS, pprofIndex } from './plain-answers.ts'
import { collectProfiles, isProfileKind, MAX_SECONDS, type ProfileKind, secondsToTake } from './profiler.ts'

const TEXT = 'text/plain; charset=utf-8'

/** Serves profiles on an address of their own, without a sign-in: for operators on the same machine (OP-90). */
export class ProfileListener implements AsyncDisposable {
  readonly #server = fastify({ forceCloseConnections: true })
  #url = ''

  /** @throws Error naming the setting when it cannot listen. */
  static async start(
    address: { readonly host: string; readonly port: number },
    log: Logger,
  ): Promise<ProfileListener> {
    const listener = new ProfileListener(log)
    try {
      listener.#url = await listener.#server.listen({ ...address })
    } catch (error) {
      throw new Error(`profiles cannot be served (--pprof-address): ${describeError(error)}`, {
        cause: error,
      })
    }
    return listener
  }

  private constructor(log: Logger) {
    const server = this.#server
    server.setErrorHandler((error, _request, reply) => {
      if (error instanceof ApiError) return reply.code(error.status).type(TEXT).send(error.message)
      log.warn('a profile could not be taken', { error: describeError(error) })
      return reply.code(500).type(TEXT).send('The profile could not be taken: see the log of the server.')
    })
    server.get('/debug/pprof/', async (_request, reply) => reply.type(TEXT).send(pprofIndex()))
    server.get('/debug/pprof/cmdline', async (_request, reply) => reply.type(TEXT).send(commandLine()))
    server.get('/debug/pprof/symbol', async (_request, reply) => reply.type(TEXT).send(NO_SYMBOLS))
    server.get<{ Params: { profile: string }; Querystring: { seconds?: string } }>(
      '/debug/pprof/:profile',
      async ({ params, query, raw }, reply) => {
        const kind: ProfileKind | undefined =
          params.profile === 'profile' ? 'cpu' : isProfileKind(params.profile) ? params.profile : undefined
        if (kind === undefined) return reply.code(404).type(TEXT).send(pprofIndex())
        const seconds = query.seconds === undefined ? secondsToTake(kind) : Number(query.seconds)
        if (!(seconds > 0 && seconds <= MAX_SECONDS))
          return reply.code(400).type(TEXT).send(`seconds must be above 0 and up to ${MAX_SECONDS}`)
        const left = new AbortController()
        raw.socket.once('close', () => left.abort())
        const profiles = await collectProfiles([kind], seconds, left.signal)
        return reply.type('application/octet-stream').send(profiles.get(kind))
      },
    )
  }

  /** Where it listens. */
  get url(): string {
    return this.#url
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.close()
  }
}
