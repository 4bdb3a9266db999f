import type { Duplex } from 'node:stream'

import {
  create,
  type DescMessage,
  type DescMethodBiDiStreaming,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf'

import { DrpcError, KIND, PacketReader, PacketWriter } from './drpc-packets.ts'
import { Inbox } from './inbox.ts'

/** The code by which clients know that a call is not offered (AC-44, AC-67). */
export const UNIMPLEMENTED = 12
/** Messages of a client that wait for who answers them (AC-140). */
const MAX_WAITING = 32

/** A call that is answered: bytes of messages in, bytes of messages out. */
export interface ServedMethod {
  /** As a client names it (AC-63). */
  readonly path: string
  answer(requests: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncIterable<Uint8Array>
}

/** Answers one message with one; `signal` is aborted when the client has left (AC-66). */
export function serveUnary<I extends DescMessage, O extends DescMessage>(
  method: DescMethodUnary<I, O>,
  handle: (
    request: MessageShape<I>,
    signal: AbortSignal,
  ) => MessageInitShape<O> | Promise<MessageInitShape<O>>,
): ServedMethod {
  return {
    path: pathOf(method),
    async *answer(requests, signal) {
      const response = await handle(await onlyOne(method.input, requests), signal)
      yield toBinary(method.output, create(method.output, response))
    },
  }
}

/** Answers one message with many. */
export function serveStream<I extends DescMessage, O extends DescMessage>(
  method: DescMethodServerStreaming<I, O>,
  handle: (request: MessageShape<I>, signal: AbortSignal) => AsyncIterable<MessageInitShape<O>>,
): ServedMethod {
  return {
    path: pathOf(method),
    async *answer(requests, signal) {
      for await (const response of handle(await onlyOne(method.input, requests), signal))
        yield toBinary(method.output, create(method.output, response))
    },
  }
}

/** Answers messages with messages. */
export function serveBidi<I extends DescMessage, O extends DescMessage>(
  method: DescMethodBiDiStreaming<I, O>,
  handle: (
    requests: AsyncIterable<MessageShape<I>>,
    signal: AbortSignal,
  ) => AsyncIterable<MessageInitShape<O>>,
): ServedMethod {
  return {
    path: pathOf(method),
    async *answer(requests, signal) {
      for await (const response of handle(decodeAll(method.input, requests), signal))
        yield toBinary(method.output, create(method.output, response))
    },
  }
}

/** How a call is named on the wire (AC-63). */
export function pathOf(method: {
  readonly parent: { readonly typeName: string }
  readonly name: string
}): string {
  return `/${method.parent.typeName}/${method.name}`
}

async function* decodeAll<I extends DescMessage>(
  schema: I,
  requests: AsyncIterable<Uint8Array>,
): AsyncGenerator<MessageShape<I>, void, undefined> {
  for await (const bytes of requests) yield decode(schema, bytes)
}

async function onlyOne<I extends DescMessage>(
  schema: I,
  requests: AsyncIterable<Uint8Array>,
): Promise<MessageShape<I>> {
  for await (const bytes of requests) return decode(schema, bytes)
  throw new DrpcError('the call has no message')
}

function decode<I extends DescMessage>(schema: I, bytes: Uint8Array): MessageShape<I> {
  try {
    return fromBinary(schema, bytes)
  } catch (error) {
    throw new DrpcError(`not a ${schema.typeName}: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/**
 * Answers the one call of a stream (AC-60 to AC-67). Never rejects: failures that are no {@link DrpcError} go to
 * `report`, and the client hears that the call failed.
 */
export async function serveCall(
  stream: Duplex,
  methods: ReadonlyMap<string, ServedMethod>,
  report: (path: string, error: unknown) => void,
): Promise<void> {
  const writer = new PacketWriter()
  const gone = new AbortController()
  const requests = new Inbox<Uint8Array>(MAX_WAITING)
  const invoked = Promise.withResolvers<string>()
  stream.on('error', () => stream.destroy())
  stream.once('close', () => {
    gone.abort()
    requests.end(new Error('the client has left'))
    invoked.reject(new DrpcError('the client has left'))
  })
  const reading = readCall(stream, invoked.resolve, requests, gone)
  reading.catch((error: unknown) => {
    invoked.reject(error)
    requests.end(error instanceof Error ? error : new Error(String(error)))
  })
  let path = ''
  try {
    path = await invoked.promise
    const method = methods.get(path)
    if (method === undefined) throw new DrpcError(`unknown rpc: ${path}`, UNIMPLEMENTED)
    for await (const message of method.answer(requests, gone.signal)) {
      if (gone.signal.aborted) return
      await write(stream, writer.encode(KIND.message, message))
    }
    await write(stream, writer.encode(KIND.closeSend, Buffer.alloc(0)))
    stream.end()
  } catch (error) {
    if (!gone.signal.aborted && !(error instanceof DrpcError)) report(path, error)
    const told =
      error instanceof DrpcError ? error : new DrpcError('internal error: see the log of the server')
    if (!stream.destroyed) stream.end(writer.encode(KIND.error, told.encode()))
  } finally {
    requests.end()
    gone.abort()
    // Until the other end has said its last word, what it still sends has to go somewhere.
    await reading.catch(() => undefined)
  }
}

/** Reads what a client sends of its call until it says that there is no more, or leaves. */
async function readCall(
  stream: Duplex,
  invoke: (path: string) => void,
  requests: Inbox<Uint8Array>,
  gone: AbortController,
): Promise<void> {
  const reader = new PacketReader()
  let isInvoked = false
  let isComplete = false
  for await (const chunk of stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    for (const { kind, data } of reader.push(chunk)) {
      if (kind === KIND.invoke) {
        if (isInvoked) throw new DrpcError('a stream has one call')
        isInvoked = true
        invoke(data.toString())
      } else if (kind === KIND.message) {
        if (!isComplete) await requests.put(data)
      } else if (kind === KIND.closeSend) {
        isComplete = true
        requests.end()
      } else if (kind !== KIND.invokeMetadata) {
        // Error, cancel and close all say that the client wants no answer any more.
        gone.abort()
        requests.end(new Error('the client has left'))
        return
      }
    }
  }
  if (!isComplete) {
    gone.abort()
    requests.end(new Error('the client has left'))
  }
}

/** Writes, and waits as long as the other end is slow. */
function write(stream: Duplex, bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(bytes, (error) => (error == null ? resolve() : reject(error)))
  })
}
