import { once } from 'node:events'
import type { ClientRequest, IncomingMessage } from 'node:http'

import { WebSocket } from 'ws'

import { type HealthCode, openDebugEcho, type WebsocketReport } from '@slipway/contract'
import { RELAY_TOKEN_HEADER, RelayTokens } from '../../replicas/index.ts'
import { untilAborted } from '../../until-aborted.ts'
import { bytesOf, ECHO_SUBJECT } from '../echo.ts'
import { type Found, fault, inWords, type Section } from '../section.ts'

const TIMEOUT_MS = 5_000
const MESSAGES = ['0', '1', '2']
/** Bytes of an answer that was no WebSocket. */
const MAX_BODY = 1_000

interface Dialled {
  readonly socket: WebSocket
  /** What was answered in place of a WebSocket. */
  readonly refused: Promise<{ readonly code: number; readonly body: string }>
}

/**
 * Whether WebSockets get through to the server by its access URL. Any replica may answer, so the check shows a proof
 * that all of them know; the keys of users stay where they are.
 */
export class WebsocketSection implements Section<WebsocketReport> {
  readonly name = 'Websocket'
  readonly #accessUrl: () => string
  readonly #tokens: RelayTokens

  constructor(accessUrl: () => string, relayKey: Uint8Array) {
    this.#accessUrl = accessUrl
    this.#tokens = new RelayTokens(relayKey)
  }

  async look(given: AbortSignal): Promise<Found<WebsocketReport>> {
    const url = URL.parse(openDebugEcho.path, this.#accessUrl())
    if (url === null) return this.#fault('EWS01', 'the access URL is no address; correct --access-url')
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'
    const signal = AbortSignal.any([given, AbortSignal.timeout(TIMEOUT_MS)])
    const token = await this.#tokens.sign(ECHO_SUBJECT)
    const { socket, refused } = dial(url, token)
    try {
      const answer = await untilAborted(signal, Promise.race([once(socket, 'open'), refused]))
      if (!Array.isArray(answer)) return notUpgraded(url, answer)
    } catch (error) {
      socket.terminate()
      return this.#fault(
        'EWS01',
        `${url.href} cannot be opened: ${reason(error, given)}. Terminals and agents need WebSockets: see that whatever stands before the server lets them through`,
      )
    }
    try {
      for (const message of MESSAGES) {
        socket.send(message)
        const [data] = await untilAborted(signal, nextMessage(socket))
        const echoed = bytesOf(data).toString()
        if (echoed !== message)
          return this.#fault(
            'EWS03',
            `the server echoed ${JSON.stringify(echoed.slice(0, 20))} for "${message}"`,
          )
      }
      return { code: 101, body: '', severity: 'ok', healthy: true, warnings: [] }
    } catch (error) {
      return this.#fault(
        'EWS02',
        `the connection was opened, and no message came back: ${reason(error, given)}. Something before the server cuts or holds back WebSockets`,
      )
    } finally {
      socket.terminate()
    }
  }

  failed(error: string): Found<WebsocketReport> {
    return { code: 0, body: '', severity: 'error', healthy: false, error, warnings: [] }
  }

  #fault(code: HealthCode, text: string): Found<WebsocketReport> {
    return this.failed(fault(code, text))
  }
}

function dial(url: URL, token: string): Dialled {
  const socket = new WebSocket(url, {
    headers: { [RELAY_TOKEN_HEADER]: token },
    perMessageDeflate: false,
    maxPayload: 64 * 1024,
  })
  // It may fail after nobody waits for it.
  socket.on('error', () => undefined)
  const { promise, resolve } = Promise.withResolvers<{ code: number; body: string }>()
  socket.on('unexpected-response', (request: ClientRequest, response: IncomingMessage) => {
    void beginningOf(response).then((body) => {
      request.destroy()
      socket.terminate()
      resolve({ code: response.statusCode ?? 0, body })
    })
  })
  return { socket, refused: promise }
}

async function beginningOf(response: IncomingMessage): Promise<string> {
  let text = ''
  try {
    for await (const chunk of response) {
      text += String(chunk)
      if (text.length >= MAX_BODY) break
    }
  } catch {
    // What has come so far is shown.
  }
  return text.slice(0, MAX_BODY)
}

function notUpgraded(
  url: URL,
  { code, body }: { readonly code: number; readonly body: string },
): Found<WebsocketReport> {
  return {
    code,
    body,
    severity: 'error',
    healthy: false,
    error: fault(
      'EWS01',
      `${url.href} answered with the status ${code} and not with a WebSocket. Let whatever stands before the server pass the headers Upgrade and Connection`,
    ),
    warnings: [],
  }
}

/** @throws Error when the connection ends instead. */
async function nextMessage(socket: WebSocket): Promise<[Parameters<typeof bytesOf>[0]]> {
  const { promise, resolve, reject } = Promise.withResolvers<[Parameters<typeof bytesOf>[0]]>()
  const closed = (code: number): void => reject(new Error(`the connection was closed with the code ${code}`))
  socket.once('message', (data) => resolve([data]))
  socket.once('close', closed)
  return promise.finally(() => socket.off('close', closed))
}

function reason(error: unknown, given: AbortSignal): string {
  if (given.aborted) return inWords(given.reason)
  return error instanceof DOMException && error.name === 'TimeoutError'
    ? 'no answer within 5 seconds'
    : inWords(error)
}
