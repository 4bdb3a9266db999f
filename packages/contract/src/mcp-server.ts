import { Type } from 'typebox'

import { route } from './route.ts'

const PATH = '/api/experimental/mcp/http'

/** What part of the tools a client wants (OA-88, OA-B22). */
const query = Type.Object({
  /** `standard`, `chatgpt` or `readonly`. */
  toolset: Type.Optional(Type.String()),
  /** Names of tools, separated by commas. */
  tools: Type.Optional(Type.String()),
})

/** One or several messages of JSON-RPC, for the Model Context Protocol over streamable HTTP. */
export const postMcp = route(`POST ${PATH}`, {
  id: 'post-mcp',
  tag: 'MCP',
  query,
  body: Type.Unknown(),
  // Errors of the protocol are messages of JSON-RPC, all others are those of the API.
  responses: { 200: Type.Unknown(), 202: null, 400: Type.Unknown(), 404: Type.Unknown() },
})

/** The stream on which a server of a session speaks unasked, or on which a broken stream goes on. */
export const streamMcp = route(`GET ${PATH}`, {
  id: 'stream-mcp',
  tag: 'MCP',
  query,
  responses: { 200: null },
  stream: 'bytes',
})

/** Ends a session. */
export const endMcpSession = route(`DELETE ${PATH}`, {
  id: 'end-mcp-session',
  tag: 'MCP',
  query,
  responses: { 204: null },
})
