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
import { pathOf } from './drpc-server.ts'

/** A call whose ends both go on sending. */
export interface BidiCall<I extends DescMessage, O extends DescMessage> {
  /** Sends a message; resolves when there is room for the next. */
  send(request: MessageInitShape<I>): Promise<void>
  /** What the other end sends; throws DrpcError when the call fails. */
  readonly responses: AsyncIterable<MessageShape<O>>
  /** Says that nothing more is sent. */
  end(): void
  /** Ends the call from our side. */
  cancel(): void
}

/** Calls a method with one message and one answer, in a stream of its own. @throws DrpcError. */
export async function callUnary<I extends DescMessage, O extends DescMessage>(
  stream: Duplex,
  method: DescMethodUnary<I, O>,
  request: MessageInitShape<I>,
): Promise<MessageShape<O>> {
  for await (const response of callStream(stream, method, request)) return response
  throw new DrpcError('the call was answered with nothing')
}

/** Calls a method with one message and many answers. @throws DrpcError. */
export async function* callStream<I extends DescMessage, O extends DescMessage>(
  stream: Duplex,
  method: DescMethodServerStreaming<I, O> | DescMethodUnary<I, O>,
  request: MessageInitShape<I>,
): AsyncGenerator<MessageShape<O>, void, undefined> {
  const writer = new PacketWriter()
  stream.on('error', () => stream.destroy())
  stream.write(writer.encode(KIND.invoke, Buffer.from(pathOf(method))))
  stream.write(writer.encode(KIND.message, toBinary(method.input, create(method.input, request))))
  stream.end(writer.encode(KIND.closeSend, Buffer.alloc(0)))
  yield* responsesOf(stream, method.output)
}

/** Begins a call with many messages both ways. */
export function callBidi<I extends DescMessage, O extends DescMessage>(
  stream: Duplex,
  method: DescMethodBiDiStreaming<I, O>,
): BidiCall<I, O> {
  const writer = new PacketWriter()
  stream.on('error', () => stream.destroy())
  stream.write(writer.encode(KIND.invoke, Buffer.from(pathOf(method))))
  return {
    send: (request) =>
      new Promise((resolve, reject) => {
        const bytes = toBinary(method.input, create(method.input, request))
        stream.write(writer.encode(KIND.message, bytes), (error) =>
          error == null ? resolve() : reject(error),
        )
      }),
    responses: responsesOf(stream, method.output),
    end: () => void stream.end(writer.encode(KIND.closeSend, Buffer.alloc(0))),
    cancel: () => void stream.destroy(),
  }
}

async function* responsesOf<O extends DescMessage>(
  stream: Duplex,
  schema: O,
): AsyncGenerator<MessageShape<O>, void, undefined> {
  const reader = new PacketReader()
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      for (const { kind, data } of reader.push(chunk)) {
        if (kind === KIND.error) throw DrpcError.decode(data)
        if (kind === KIND.message) yield fromBinary(schema, data)
        else if (kind === KIND.closeSend || kind === KIND.close || kind === KIND.cancel) return
      }
    }
  } finally {
    stream.destroy()
  }
}
