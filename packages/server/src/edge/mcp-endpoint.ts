/** Where the MCP server answers: a resource of its own beside the rest of the API (OA-B2). */
export const MCP_ENDPOINT = '/api/experimental/mcp/http'

/** What a client has to ask for to use all of it (OA-B3). */
export const MCP_SCOPE = 'coder:all'

/** Whether a request is for the MCP server, by the pattern of its route or its path. */
export function isMcpEndpoint(route: string): boolean {
  return (
    route.startsWith(MCP_ENDPOINT) &&
    (route.length === MCP_ENDPOINT.length || route[MCP_ENDPOINT.length] === '/')
  )
}
