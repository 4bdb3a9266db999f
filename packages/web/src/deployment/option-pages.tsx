import { OptionsPage } from './options-page.tsx'

export function OverviewPage() {
  return <OptionsPage page="overview" />
}

export function SecurityOptionsPage() {
  return <OptionsPage page="security" />
}

export function ObservabilityPage() {
  return <OptionsPage page="observability" />
}

export function NetworkPage() {
  return <OptionsPage page="network" />
}

export function UserAuthPage() {
  return <OptionsPage page="userauth" />
}

export function ExternalAuthOptionsPage() {
  return <OptionsPage page="external-auth" />
}
