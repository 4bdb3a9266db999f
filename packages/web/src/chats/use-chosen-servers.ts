import { useQuery } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'

import { mcpServersQuery } from '../mcp-servers/queries.ts'
import { useConnect } from '../mcp-servers/use-connect.ts'
import type { MenuItem } from '../ui/menu.tsx'
import { toasts } from '../ui/toast.tsx'

const NOWHERE = { id: '', organization_id: '' }

/**
 * MCP servers of the organization that a chat uses (UI-1120): forced ones are locked, others as they are usually, or as
 * the chat has them already (`present`). One that needs an account of the viewer connects in a window of its own.
 */
export function useChosenServers(organization: string | undefined, present?: readonly string[]) {
  const [target, setTarget] = useState<{ readonly id: string; readonly organization_id: string }>()
  const { connect, blocked } = useConnect(target ?? NOWHERE)
  const opened = useRef<object>(undefined)
  useEffect(() => {
    if (target === undefined || opened.current === target) return
    opened.current = target
    connect()
  }, [target, connect])
  useEffect(() => {
    if (blocked)
      toasts.failed('The window did not open', new Error('Allow this page to open windows, and try again.'))
  }, [blocked])
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
    availability === 'force_on' ||
    (turned[id] ?? (present === undefined ? availability === 'default_on' : present.includes(id)))
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
    /** Something is on that was off before, or the other way around. */
    changed: Object.keys(turned).length > 0,
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
              onSelect: () => setTarget({ id: server.id, organization_id: server.organization_id }),
            },
    ),
  }
}
