import { OwnServers } from '../mcp-servers/own-servers.tsx'
import { ConnectClient } from './connect-client.tsx'

/** `/settings/mcp`: programs of the viewer that use this deployment, and servers outside that their chats use. */
export function McpPage() {
  return (
    <div className="flex flex-col gap-6">
      <ConnectClient />
      <OwnServers />
    </div>
  )
}
