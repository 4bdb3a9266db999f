/** A program that speaks MCP, and what it needs to find this deployment. */
interface ClientConfig {
  readonly id: ClientId
  readonly label: string
  /** What to do with the text. */
  readonly how: string
  readonly code: string
  /** What has to be done after that. */
  readonly next: string
}

export type ClientId = 'claude-code' | 'cursor' | 'vscode' | 'other'

const NAME = 'slipway'

/** The address of our MCP endpoint, below the access URL of the deployment. */
export function endpointOf(accessUrl: string, path: string, onlyReading: boolean): string {
  const url = `${accessUrl.replace(/\/+$/, '')}${path}`
  return onlyReading ? `${url}?toolset=readonly` : url
}

/** Configurations of common clients for an MCP server at this address. */
export function clientConfigs(url: string): readonly ClientConfig[] {
  const json = (value: unknown) => JSON.stringify(value, null, 2)
  return [
    {
      id: 'claude-code',
      label: 'Claude Code',
      how: 'Run this in a terminal.',
      // A question mark would be a pattern to some shells.
      code: `claude mcp add --transport http ${NAME} ${url.includes('?') ? `'${url}'` : url}`,
      next: 'Then start Claude Code, open /mcp, choose slipway and authenticate.',
    },
    {
      id: 'cursor',
      label: 'Cursor',
      how: 'Put this into ~/.cursor/mcp.json, or .cursor/mcp.json of a project.',
      code: json({ mcpServers: { [NAME]: { url } } }),
      next: 'Then open Settings, Tools & MCP, and choose Connect beside slipway.',
    },
    {
      id: 'vscode',
      label: 'VS Code',
      how: 'Put this into .vscode/mcp.json, or into what “MCP: Open User Configuration” opens.',
      code: json({ servers: { [NAME]: { type: 'http', url } } }),
      next: 'Then choose Start above the server, and allow it to sign in.',
    },
    {
      id: 'other',
      label: 'Other',
      how: 'Give the client this address, with the transport “streamable HTTP”.',
      code: url,
      next: 'Clients discover how to sign in. One that cannot do that sends a token as Authorization: Bearer.',
    },
  ]
}
