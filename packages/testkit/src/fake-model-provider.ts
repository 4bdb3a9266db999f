import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

import { ModelRequest } from './model-provider/model-request.ts'
import { Player } from './model-provider/player.ts'
import { isProtocol, kindOf, modelsAnswer, tokenCountAnswer, wireOf } from './model-provider/routes.ts'
import type { PlainAnswer, Turn } from './model-provider/turn.ts'
import { until } from './until.ts'

/** What is kept of the requests: the latest ones, up to a number and to bytes of their bodies. */
const KEPT_REQUESTS = 1_000
const KEPT_BYTES = 64 * 1024 * 1024
/** Bytes of a request's body; a larger one gets 413. */
const MAX_BODY_BYTES = 64 * 1024 * 1024
/** Connections that may wait to be accepted: a bench opens a thousand at once. */
const BACKLOG = 4_096
const ENDED_SCRIPT: PlainAnswer = { status: 400, message: 'The script has no turn left for this request.' }

/**
 * A provider of language models that plays a script over the real protocols, streamed or not: OpenAI's chat completions
 * and responses, Anthropic's messages, Google's Gemini, and Amazon Bedrock's `converse` and `invoke`, under any prefix
 * (CH-1805). Each request takes the next turn of the script, unless {@link answer} has one for it; without any it gets
 * a 400 that says so.
 */
export class FakeModelProvider implements AsyncDisposable {
  /** Where it listens; base URLs of clients add `/v1` or what their provider has. */
  readonly url: string
  /** Asked before everything else, for requests of every route; undefined leaves the request to script and routes. */
  answer: (request: ModelRequest) => Turn | undefined = () => undefined
  /** What the lists of models have. */
  models: readonly string[] = ['scripted-model']
  readonly #server: ReturnType<typeof createServer>
  readonly #script: Turn[] = []
  readonly #requests: ModelRequest[] = []
  readonly #unclaimed: ModelRequest[] = []
  #keptBytes = 0
  #answers = 0
  #calls = 0

  private constructor(server: ReturnType<typeof createServer>) {
    this.#server = server
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    server.on('request', (request, response) => {
      this.#serve(request, response).catch((error: unknown) => {
        if (response.headersSent) response.destroy()
        else response.writeHead(500).end(String(error))
      })
    })
  }

  /** Starts one on a free port. */
  static async start(): Promise<FakeModelProvider> {
    const server = createServer()
    server.listen({ port: 0, host: '127.0.0.1', backlog: BACKLOG })
    await once(server, 'listening')
    return new FakeModelProvider(server)
  }

  /** Adds turns to the end of the script. */
  play(...turns: readonly Turn[]): void {
    this.#script.push(...turns)
  }

  /** Turns of the script that nobody has had yet. */
  get left(): number {
    return this.#script.length
  }

  /** The latest requests whose bodies have arrived, in order: at most 1,000, and 64 MiB of bodies. */
  get requests(): readonly ModelRequest[] {
    return this.#requests
  }

  /** Waits for a request that this was not asked about before, of those that match. */
  async nextRequest(
    matches: (request: ModelRequest) => boolean = () => true,
    timeoutMs?: number,
  ): Promise<ModelRequest> {
    return until(
      'a request to the model provider',
      () => {
        const at = this.#unclaimed.findIndex(matches)
        return at < 0 ? undefined : this.#unclaimed.splice(at, 1)[0]
      },
      timeoutMs,
    )
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = incoming.url ?? '/'
    const method = incoming.method ?? ''
    const text = await textOf(incoming)
    if (text === undefined) {
      response.writeHead(413, { Connection: 'close' }).end()
      return
    }
    const kind = kindOf(method, new URL(path, this.url))
    const request = new ModelRequest({ kind, method, path, headers: incoming.headers, text })
    response.once('close', () => request.endAs(response.writableFinished ? 'answered' : 'aborted'))
    this.#keep(request)
    this.#answers += 1
    const player = new Player(wireOf(request), request, response, this.#answers, () => {
      this.#calls += 1
      return this.#calls
    })
    const answer = this.answer(request)
    // Models do not speak on routes that are no conversation.
    const fits = answer !== undefined && (isProtocol(request.kind) || !('steps' in answer))
    await player.play(fits ? answer : this.#builtIn(request))
  }

  #builtIn(request: ModelRequest): Turn {
    if (isProtocol(request.kind)) return this.#script.shift() ?? ENDED_SCRIPT
    switch (request.kind) {
      case 'models':
        return modelsAnswer(request, this.models)
      case 'count-tokens':
        return tokenCountAnswer(request)
      case 'other':
        return { status: 404, message: `There is no ${request.method} ${request.path}.` }
    }
  }

  #keep(request: ModelRequest): void {
    this.#requests.push(request)
    this.#unclaimed.push(request)
    this.#keptBytes += request.text.length
    while (this.#requests.length > KEPT_REQUESTS || this.#keptBytes > KEPT_BYTES) {
      const dropped = this.#requests.shift()
      if (dropped === undefined) return
      this.#keptBytes -= dropped.text.length
      if (this.#unclaimed[0] === dropped) this.#unclaimed.shift()
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }
}

/** The body; undefined when it is too large. */
async function textOf(incoming: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of incoming) {
    bytes += chunk.length
    if (bytes > MAX_BODY_BYTES) return undefined
    chunks.push(Buffer.from(chunk))
  }
  return Buffer.concat(chunks).toString()
}
