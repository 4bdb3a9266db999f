export { chosenServers } from './chosen-servers.ts'
export { McpHealthChecks } from './health-checks.ts'
export { McpServers } from './mcp-servers.ts'
export { mcpServerRoutes } from './routes.ts'
