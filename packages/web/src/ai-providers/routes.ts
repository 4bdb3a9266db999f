import { type AnyRoute, createRoute, lazyRouteComponent } from '@tanstack/react-router'

/** The pages about model providers, models and agents, below the frame (UI-1303, UI-1304). */
export function aiSettingsRoutes(frame: AnyRoute): AnyRoute[] {
  const page = (path: string, component: ReturnType<typeof lazyRouteComponent>) =>
    createRoute({ getParentRoute: () => frame, path: `/ai/settings${path}`, component })
  return [
    page(
      '',
      lazyRouteComponent(() => import('./settings-index.tsx'), 'AiSettingsIndex'),
    ),
    page(
      '/providers',
      lazyRouteComponent(() => import('./providers-page.tsx'), 'AiProvidersPage'),
    ),
    page(
      '/providers/add',
      lazyRouteComponent(() => import('./new-provider-page.tsx'), 'NewAiProviderPage'),
    ),
    page(
      '/providers/$provider',
      lazyRouteComponent(() => import('./provider-page.tsx'), 'AiProviderPage'),
    ),
    page(
      '/models',
      lazyRouteComponent(() => import('./models-page.tsx'), 'AiModelsPage'),
    ),
    page(
      '/models/add',
      lazyRouteComponent(() => import('./new-model-page.tsx'), 'NewAiModelPage'),
    ),
    page(
      '/models/$model',
      lazyRouteComponent(() => import('./model-page.tsx'), 'AiModelPage'),
    ),
    page(
      '/coder-agents',
      lazyRouteComponent(() => import('./agents-page.tsx'), 'AgentsSettingsPage'),
    ),
    page(
      '/instructions',
      lazyRouteComponent(() => import('./instructions-page.tsx'), 'InstructionsPage'),
    ),
    page(
      '/lifecycle',
      lazyRouteComponent(() => import('./lifecycle-page.tsx'), 'LifecyclePage'),
    ),
    page(
      '/governance',
      lazyRouteComponent(() => import('../ai-gateway/gateway-page.tsx'), 'GatewayPage'),
    ),
    page(
      '/prices',
      lazyRouteComponent(() => import('../ai-gateway/prices-page.tsx'), 'PricesPage'),
    ),
  ]
}
