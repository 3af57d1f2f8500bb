import { Page } from '../../parts/page';
import { texts } from '../../texts/texts';

export function Overview() {
  return <Page title={texts.overview.title}>{null}</Page>;
}

export function ApplicationOverview() {
  return <Page title={texts.overview.title}>{null}</Page>;
}
