import { useMutation } from '@tanstack/react-query'

import { deleteMcpServerConfig, type MCPServerConfig } from '@slipway/contract'
import { api } from '../api/client.ts'
import { statusOf } from '../api/errors.ts'
import { ConfirmDialog } from '../ui/dialog.tsx'
import { toasts } from '../ui/toast.tsx'
import { forgetMcpServer } from './queries.ts'

/** Asks before a server goes, with everybody's connection to it. */
export function DeleteServerDialog({
  server,
  onClose,
  onDeleted,
}: {
  readonly server: MCPServerConfig
  readonly onClose: () => void
  /** Leaves what shows the server, before anything is read again. */
  readonly onDeleted?: () => void
}) {
  const remove = useMutation({
    mutationFn: async () => {
      const params = { organization: server.organization_id, mcpserverconfig: server.id }
      try {
        await api.call(deleteMcpServerConfig, { params })
      } catch (error) {
        // Somebody else was faster.
        if (statusOf(error) !== 404) throw error
      }
    },
    onSuccess: async () => {
      onClose()
      onDeleted?.()
      toasts.done(`The MCP server ${server.display_name} was deleted`)
      await forgetMcpServer(server.id)
    },
  })
  return (
    <ConfirmDialog
      open
      onClose={onClose}
      title={`Delete ${server.display_name}?`}
      description="Chats lose its tools at once, even running ones, and everybody’s connections to it are deleted. To stop it for a while, turn it off instead."
      verb="Delete server"
      danger
      typedName={server.display_name}
      busy={remove.isPending}
      error={remove.error}
      onConfirm={() => remove.mutate()}
    />
  )
}
