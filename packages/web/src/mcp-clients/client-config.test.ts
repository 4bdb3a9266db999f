import { describe, expect, it } from 'vitest'

import { clientConfigs, endpointOf } from './client-config.ts'

const PATH = '/api/experimental/mcp/http'

describe('configurations of MCP clients', () => {
  it('OA-95: name the endpoint below the access URL', () => {
    expect(endpointOf('https://dev.example/', PATH, false)).toBe(`https://dev.example${PATH}`)
    expect(endpointOf('https://dev.example/slip', PATH, true)).toBe(
      `https://dev.example/slip${PATH}?toolset=readonly`,
    )
  })

  it('are what each client reads', () => {
    const url = endpointOf('https://dev.example', PATH, true)
    const byId = new Map(clientConfigs(url).map((config) => [config.id, config.code]))
    expect(byId.get('claude-code')).toBe(`claude mcp add --transport http slipway '${url}'`)
    expect(JSON.parse(byId.get('cursor') ?? '')).toEqual({ mcpServers: { slipway: { url } } })
    expect(JSON.parse(byId.get('vscode') ?? '')).toEqual({ servers: { slipway: { type: 'http', url } } })
    expect(byId.get('other')).toBe(url)
  })
})
