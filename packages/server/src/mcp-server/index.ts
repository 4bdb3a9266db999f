export { InProcessApi } from './in-process-api.ts'
export { McpServerEndpoint, mcpEndpointRoutes } from './routes.ts'
export type { McpExtension } from './tool-server.ts'
