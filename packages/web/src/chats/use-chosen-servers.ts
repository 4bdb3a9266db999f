import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'

import { mcpServersQuery } from '../mcp-servers/queries.ts'
import { useGo } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import type { MenuItem } from '../ui/menu.tsx'

/** MCP servers of the organization that a new chat uses (UI-1120): forced ones are locked, others as they are usually. */
export function useChosenServers(organization: string | undefined) {
  const go = useGo()
  const servers = useQuery({ ...mcpServersQuery(organization ?? ''), enabled: organization !== undefined })
  /** By server: what was turned on or off by hand, as long as the organization stays (UI-1112). */
  const [turned, setTurned] = useState<Readonly<Record<string, boolean>>>({})
  const [of, setOf] = useState(organization)
  if (of !== organization) {
    setOf(organization)
    setTurned({})
  }
  const offered = (servers.data ?? []).filter(({ enabled }) => enabled)
  const isOn = (id: string, availability: string) =>
    availability === 'force_on' || (turned[id] ?? availability === 'default_on')
  const usable = ({ auth_type: type, auth_connected: connected }: (typeof offered)[number]) =>
    type !== 'oauth2' || connected
  const on = offered.filter((server) => isOn(server.id, server.availability) && usable(server))
  const toggle = (id: string) => {
    const server = offered.find((one) => one.id === id)
    if (server !== undefined) setTurned({ ...turned, [id]: !isOn(id, server.availability) })
  }
  return {
    /** Forced ones are added by the server in any case. */
    ids: on.filter(({ availability }) => availability !== 'force_on').map(({ id }) => id),
    chosen: on.map(({ id, display_name: name, availability }) => ({
      id,
      name,
      locked: availability === 'force_on',
    })),
    toggle,
    items: offered.map(
      (server): MenuItem =>
        usable(server)
          ? {
              id: server.id,
              label: server.display_name,
              checked: isOn(server.id, server.availability),
              disabled: server.availability === 'force_on',
              ...(server.availability === 'force_on'
                ? { hint: 'Always on' }
                : server.description === ''
                  ? {}
                  : { hint: server.description }),
              onSelect: () => toggle(server.id),
            }
          : {
              id: server.id,
              label: `Connect ${server.display_name}`,
              hint: 'Chats use it once your account is connected',
              onSelect: () => go(paths.settings('mcp')),
            },
    ),
  }
}
