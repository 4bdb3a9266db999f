import type { MCPServerErrorCode } from '@slipway/contract'
import type { OutboundError } from '../../outbound/index.ts'
import { explained } from '../oauth/http.ts'

/** Why an MCP server cannot be used. The message may name its address, and never has a credential in it. */
export class McpServerError extends Error {
  override readonly name = 'McpServerError'
  readonly code: MCPServerErrorCode

  constructor(code: MCPServerErrorCode, message: string, cause?: unknown) {
    super(message.slice(0, 512), cause === undefined ? undefined : { cause })
    this.code = code
  }
}

/** What is said to those who do not see where a server is (OA-101). */
export function plainMessage(code: MCPServerErrorCode): string {
  switch (code) {
    case 'address_not_allowed':
      return 'The server is at an address that may not be reached.'
    case 'unreachable':
      return 'The server cannot be reached.'
    case 'timeout':
      return 'The server did not answer in time.'
    case 'not_connected':
      return 'Connect your account to this server first.'
    case 'unauthorized':
      return 'The server does not accept the credentials.'
    case 'insufficient_scope':
      return 'The server asks for more than it was given. Connect your account again.'
    case 'protocol':
      return 'The server does not answer as an MCP server.'
    case 'too_large':
      return 'The answer of the server is too long.'
    case 'unknown_tool':
      return 'The server has no such tool, or chats may not use it.'
  }
}

/** An outbound failure in these words. */
export function ofOutbound(error: OutboundError): McpServerError {
  const message = explained(error)
  switch (error.kind) {
    case 'not-permitted':
      return new McpServerError('address_not_allowed', message, error)
    case 'timeout':
      return new McpServerError('timeout', message, error)
    case 'too-large':
      return new McpServerError('too_large', message, error)
    case 'redirect':
    case 'unreachable':
      return new McpServerError('unreachable', message, error)
  }
}
