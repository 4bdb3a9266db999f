import { useQuery } from '@tanstack/react-query'

import { OptionRow } from '../deployment/option-row.tsx'
import { isShown, replacements } from '../deployment/options.ts'
import { deploymentConfigQuery } from '../deployment/queries.ts'
import { AppLink } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { usePermissions } from '../session/session.tsx'
import { buttonClass } from '../ui/button.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Section } from '../ui/page.tsx'

const OF_THE_GATEWAY = /^ai-(gateway|budget)-/
/** Those that are made at the first start are on the pages of providers. */
const OF_PROVIDERS = /^ai-gateway-(openai|anthropic|bedrock|proxy)-/

/** Server options about the gateway: they are read here and set where it is started (UI-1304). */
export function GatewayOptions() {
  const mayView = usePermissions()?.viewDeploymentConfig === true
  const config = useQuery({ ...deploymentConfigQuery, enabled: mayView })
  const options = config.data?.options.filter(
    (option) =>
      OF_THE_GATEWAY.test(option.flag ?? '') &&
      !OF_PROVIDERS.test(option.flag ?? '') &&
      isShown(option) &&
      replacements(option).length === 0,
  )
  if (config.isError)
    return (
      <ErrorNotice
        error={config.error}
        title="The options could not be read"
        onRetry={() => void config.refetch()}
      />
    )
  if (options === undefined || options.length === 0) return null
  return (
    <Section
      title="Server options"
      help="Set where the server is started. Changes take effect at its next start."
      flush
      actions={
        <AppLink
          href={paths.deployment('overview', { filter: 'ai-gateway' })}
          className={buttonClass({ size: 'dense' })}
        >
          Show all
        </AppLink>
      }
    >
      <ul>
        {options.map((option) => (
          <OptionRow key={option.flag} option={option} />
        ))}
      </ul>
    </Section>
  )
}
