export type { ChatExtension } from './parts.ts'
export { startChatGeneration } from './start.ts'
