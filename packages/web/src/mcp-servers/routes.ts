import { type AnyRoute, createRoute, lazyRouteComponent } from '@tanstack/react-router'

/** The pages of MCP servers outside that chats use, below the frame (UI-401). */
export function mcpServerRoutes(frame: AnyRoute): AnyRoute[] {
  return [
    createRoute({
      getParentRoute: () => frame,
      path: '/ai/settings/mcp-servers',
      component: lazyRouteComponent(() => import('./servers-page.tsx'), 'McpServersPage'),
    }),
    createRoute({
      getParentRoute: () => frame,
      path: '/ai/settings/mcp-servers/add',
      component: lazyRouteComponent(() => import('./new-server-page.tsx'), 'NewMcpServerPage'),
    }),
    createRoute({
      getParentRoute: () => frame,
      path: '/ai/settings/mcp-servers/$server',
      component: lazyRouteComponent(() => import('./server-page.tsx'), 'McpServerPage'),
    }),
  ]
}
