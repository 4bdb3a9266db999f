import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'

import { disconnectMcpServer, type MCPServerConfig } from '@slipway/contract'
import { api } from '../api/client.ts'
import { useOnline } from '../frame/connection-banner.tsx'
import { Button } from '../ui/button.tsx'
import { ConfirmDialog } from '../ui/dialog.tsx'
import { toasts } from '../ui/toast.tsx'
import { refreshMcpServers } from './queries.ts'
import { useConnect } from './use-connect.ts'

/** Connects the viewer's own account to an OAuth2 server, or ends that (OA-109, OA-111). */
export function ConnectionButton({ server }: { readonly server: MCPServerConfig }) {
  const online = useOnline()
  const { busy, blocked, connect } = useConnect(server)
  const [asking, setAsking] = useState(false)
  const name = server.display_name
  const disconnect = useMutation({
    mutationFn: () => api.call(disconnectMcpServer, { params: { mcpServer: server.id } }),
    onSuccess: async ({ token_revocation_error: kept }) => {
      await refreshMcpServers()
      setAsking(false)
      if (kept === undefined) toasts.done(`You are no longer connected to ${name}`)
      else
        toasts.failed(
          `You are no longer connected to ${name}, but your token may still be valid there. Revoke it in your account there.`,
          new Error(kept),
        )
    },
  })
  if (!server.auth_connected)
    return (
      <span className="inline-flex flex-col items-end gap-1">
        <Button
          size="dense"
          disabled={!online || !server.enabled}
          title={server.enabled ? undefined : 'The server is off'}
          aria-label={`Connect ${name}`}
          aria-busy={busy || undefined}
          onClick={connect}
        >
          {busy ? 'Waiting for the window…' : 'Connect'}
        </Button>
        {blocked ? (
          <span role="alert" className="max-w-48 whitespace-normal text-right text-xs text-bad">
            The browser blocked the window. Allow pop-ups for this page, and try again.
          </span>
        ) : null}
      </span>
    )
  return (
    <>
      <Button
        size="dense"
        tone="quiet"
        disabled={!online}
        aria-label={`Disconnect ${name}`}
        onClick={() => setAsking(true)}
      >
        Disconnect
      </Button>
      <ConfirmDialog
        open={asking}
        onClose={() => {
          setAsking(false)
          disconnect.reset()
        }}
        title={`Disconnect ${name}?`}
        description="Your chats can no longer use it in your name. The token is revoked at the server if possible."
        verb="Disconnect"
        danger
        busy={disconnect.isPending}
        error={disconnect.error}
        onConfirm={() => disconnect.mutate()}
      />
    </>
  )
}
