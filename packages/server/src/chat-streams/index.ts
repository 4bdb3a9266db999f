export { ChatStreams } from './chat-streams.ts'
export type { EpisodeWriter, PartBuffer } from './part-buffer.ts'
export { chatStreamRoutes } from './routes.ts'
