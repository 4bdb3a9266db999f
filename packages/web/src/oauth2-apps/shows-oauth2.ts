import { type Experiment, isDevelopmentBuild } from '@slipway/contract'

/** Whether menus offer what belongs to signing other software in; not before it is known (OA-22, UI-303). */
export function showsOAuth2(
  experiments: readonly Experiment[] | undefined,
  version: string | undefined,
): boolean {
  return experiments?.includes('oauth2') === true || (version !== undefined && isDevelopmentBuild(version))
}
