export { regenerateKeyPair } from './key-pair.ts'
export type { PushMessage } from './push-message.ts'
export { webPushRoutes } from './routes.ts'
export { WebPush } from './web-push.ts'
