import { type AnyRoute, createRoute, lazyRouteComponent, redirect } from '@tanstack/react-router'

import { paths } from '../paths.ts'

const SETTINGS = [
  ['general', () => lazyRouteComponent(() => import('./settings/general-page.tsx'), 'GeneralPage')],
  ['compaction', () => lazyRouteComponent(() => import('./settings/compaction-page.tsx'), 'CompactionPage')],
  ['user-agents', () => lazyRouteComponent(() => import('./settings/own-models-page.tsx'), 'OwnModelsPage')],
  ['personal-skills', () => lazyRouteComponent(() => import('./settings/skills-page.tsx'), 'SkillsPage')],
  [
    'personal-skills/add',
    () => lazyRouteComponent(() => import('./settings/skill-page.tsx'), 'NewSkillPage'),
  ],
  [
    'personal-skills/edit/$skill',
    () => lazyRouteComponent(() => import('./settings/skill-page.tsx'), 'SkillPage'),
  ],
  ['api-keys', () => lazyRouteComponent(() => import('./settings/own-keys-page.tsx'), 'OwnKeysPage')],
] as const

/** Where pages for administrators are that older links look for among one's own settings. */
const MOVED: Readonly<Record<string, string>> = {
  instructions: paths.aiAgents('instructions'),
  lifecycle: paths.aiAgents('lifecycle'),
  providers: paths.aiProviders(),
  models: paths.aiModels(),
  'mcp-servers': paths.mcpServers(),
  templates: '/ai/settings/templates',
  admin: paths.aiAgents('coder-agents'),
  agents: paths.aiAgents('coder-agents'),
  'coder-agents': paths.aiAgents('coder-agents'),
  experiments: paths.aiAgents('coder-agents'),
}

/** A chat inside of another program, with neither frame nor session of the browser (UI-1154). */
export function embeddedChatRoute(root: AnyRoute): AnyRoute {
  return createRoute({
    getParentRoute: () => root,
    path: '/agents/$chat/embed',
    component: lazyRouteComponent(() => import('./embed/embed-page.tsx'), 'EmbedPage'),
  })
}

/** The pages of chats and of the viewer's own settings of them, below the frame (chapter 10, 11.1). */
export function chatRoutes(frame: AnyRoute): AnyRoute[] {
  const agents = createRoute({
    getParentRoute: () => frame,
    id: 'agents-pages',
    component: lazyRouteComponent(() => import('./agents-layout.tsx'), 'AgentsLayout'),
  })
  const settings = createRoute({
    getParentRoute: () => frame,
    path: '/agents/settings',
    component: lazyRouteComponent(() => import('./settings/settings-layout.tsx'), 'AgentSettingsLayout'),
  })
  return [
    agents.addChildren([
      createRoute({
        getParentRoute: () => agents,
        path: '/agents',
        component: lazyRouteComponent(() => import('./new-chat-page.tsx'), 'NewChatPage'),
      }),
      createRoute({
        getParentRoute: () => agents,
        path: '/agents/$chat',
        component: lazyRouteComponent(() => import('./chat-page.tsx'), 'ChatPage'),
      }),
    ]),
    settings.addChildren([
      createRoute({
        getParentRoute: () => settings,
        path: '/',
        beforeLoad: () => {
          throw redirect({ href: paths.agentSettings('general'), replace: true })
        },
      }),
      ...SETTINGS.map(([path, component]) =>
        createRoute({ getParentRoute: () => settings, path: `/${path}`, component: component() }),
      ),
      ...Object.entries(MOVED).map(([path, href]) =>
        createRoute({
          getParentRoute: () => settings,
          path: `/${path}`,
          beforeLoad: () => {
            throw redirect({ href, replace: true })
          },
        }),
      ),
    ]),
  ]
}
