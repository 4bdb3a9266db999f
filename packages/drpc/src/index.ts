export { toBinary as encodeMessage } from '@bufbuild/protobuf'

export { type BidiCall, callBidi, callStream, callUnary } from './drpc-client.ts'
export { DrpcError } from './drpc-packets.ts'
export { type ServedMethod, serveBidi, serveCall, serveStream, serveUnary } from './drpc-server.ts'
export * from './generated/tailnet_pb.js'
export { YamuxSession } from './yamux-session.ts'
