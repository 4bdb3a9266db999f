export { capacityDetails } from './capacity.ts'
export type { ChatExtension } from './parts.ts'
export { chatTitleRoutes } from './routes.ts'
export { ChatGeneration } from './start.ts'
