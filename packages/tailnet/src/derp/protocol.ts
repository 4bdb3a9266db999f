// What clients and relays both need to speak DERP (AC-164).
export { isDisco } from '../disco.ts'
export { KEY_BYTES, KeyPair } from '../keys.ts'
export { type Box, boxBetween } from '../nacl-box.ts'
export { FrameType, frame, MAGIC, MAX_PACKET_BYTES, PROTOCOL_VERSION } from './frames.ts'
