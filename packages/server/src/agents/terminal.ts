import type { Duplex } from 'node:stream'

import type { WebSocket } from 'ws'

import type { TunnelClient } from '@slipway/tunnel'
import { badRequest, type Validation } from '../errors/index.ts'

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i
const MAX_SIZE = 1_000
/** Output that the browser has not taken yet before the shell has to wait. */
const MAX_BACKLOG_BYTES = 1024 * 1024
/** Keys that may be pressed before the shell is there. */
const MAX_EARLY_BYTES = 64 * 1024

/** What opens a terminal. */
export interface TerminalRequest {
  readonly id: string
  readonly width: number
  readonly height: number
  readonly command: string
}

/** Reads the query of a terminal (AC-220). @throws ApiError 400 naming each refused field. */
export function terminalRequest(query: URLSearchParams): TerminalRequest {
  const faults: Validation[] = []
  const id = query.get('reconnect') ?? ''
  if (!UUID.test(id))
    faults.push({ field: 'reconnect', detail: 'Query param "reconnect" must be a valid UUID' })
  const size = (name: string): number => {
    const text = query.get(name) ?? '80'
    const value = /^\d{1,4}$/.test(text) ? Number(text) : 0
    if (value < 1 || value > MAX_SIZE)
      faults.push({ field: name, detail: `Query param "${name}" must be from 1 to ${MAX_SIZE}` })
    return value
  }
  const request = {
    id: id.toLowerCase(),
    width: size('width'),
    height: size('height'),
    command: query.get('command') ?? '',
  }
  if (request.command.length > 8_192)
    faults.push({ field: 'command', detail: 'is longer than 8192 characters' })
  if (faults.length > 0) throw badRequest('Query parameters have invalid values.', { validations: faults })
  return request
}

/**
 * Joins a browser's terminal to the reconnecting PTY of an agent (AC-220, AC-221): JSON messages go in,
 * bytes come out, and whoever is slow makes the other side wait.
 */
export async function joinTerminal(
  socket: WebSocket,
  tunnel: Promise<TunnelClient>,
  request: TerminalRequest,
): Promise<void> {
  // Keys that are pressed before the shell is there wait for it.
  const early: string[] = []
  let earlyBytes = 0
  let write = (line: string): void => {
    earlyBytes += line.length
    if (earlyBytes <= MAX_EARLY_BYTES) early.push(line)
    else socket.close(1009, 'too much input before the terminal was there')
  }
  socket.on('message', (data) => {
    const message = terminalMessage(String(data))
    if (message === undefined) socket.close(1003, 'send JSON with data, or with height and width')
    else write(`${JSON.stringify(message)}\n`)
  })
  let stream: Duplex
  try {
    stream = await (await tunnel).connect('pty:0', {
      'x-slipway-pty': Buffer.from(JSON.stringify(request)).toString('base64url'),
    })
  } catch (error) {
    socket.close(1011, (error instanceof Error ? error.message : String(error)).slice(0, 120))
    return
  }
  if (socket.readyState !== socket.OPEN) {
    stream.destroy()
    return
  }
  stream.on('data', (chunk: Buffer) => {
    socket.send(chunk, { binary: true }, () => {
      if (stream.isPaused() && socket.bufferedAmount < MAX_BACKLOG_BYTES / 2) stream.resume()
    })
    if (socket.bufferedAmount > MAX_BACKLOG_BYTES) stream.pause()
  })
  stream.on('end', () => socket.close(1000))
  stream.on('error', () => socket.close(1011, 'the connection to the workspace was lost'))
  stream.on('close', () => socket.close(1011, 'the connection to the workspace was lost'))
  // A shell that reads slowly makes the browser wait rather than fill the memory.
  write = (line) => {
    if (!stream.write(line)) socket.pause()
  }
  stream.on('drain', () => socket.resume())
  for (const line of early) write(line)
  socket.on('close', () => stream.destroy())
}

/** A message of a terminal: input, a new size, or both (AC-221). */
interface TerminalMessage {
  readonly data?: string
  readonly height?: number
  readonly width?: number
}

function terminalMessage(text: string): TerminalMessage | undefined {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null) return undefined
    const message = {
      ...('data' in value && typeof value.data === 'string' ? { data: value.data } : {}),
      ...('height' in value &&
      'width' in value &&
      typeof value.height === 'number' &&
      typeof value.width === 'number'
        ? { height: clamp(value.height), width: clamp(value.width) }
        : {}),
    }
    return Object.keys(message).length === 0 ? undefined : message
  } catch {
    return undefined
  }
}

function clamp(size: number): number {
  return Math.max(0, Math.min(MAX_SIZE, Math.floor(size)))
}
