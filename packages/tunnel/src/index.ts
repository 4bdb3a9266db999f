export { TunnelClient, type TunnelRequest, type TunnelResponse } from './client.ts'
export { watchLiveness } from './liveness.ts'
export { holdBack, opened } from './opened.ts'
export { type ServedTunnel, serveTunnel, splice, type TunnelHandlers, TunnelRefusal } from './serve.ts'
