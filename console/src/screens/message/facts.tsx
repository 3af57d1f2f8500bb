import { Card, Code, Table, Title } from '@mantine/core';
import type { ReactNode } from 'react';
import { numberText } from '../../parts/format';
import { Time } from '../../parts/time';
import { ScreenLink } from '../../parts/link';
import { texts } from '../../texts/texts';
import type { Report } from './queries';

/** The sender, the campaign and run, and the times. */
export function Facts({ applicationId, report }: { applicationId: string; report: Report }) {
  const { messageId, label, clientId, campaignId, runId, resendOf, resends = [], upstream, receipts } = report;
  const link = (message: string) => (
    <ScreenLink to="/apps/$app/messages/$message" params={{ app: applicationId, message }} key={message} mr="xs">
      {message}
    </ScreenLink>
  );
  const rows: [string, ReactNode][] = [
    [texts.message.id, <Code key="id">{messageId}</Code>],
    [texts.message.label, label],
    [texts.message.sentBy, clientId],
    [texts.message.approved, report.approvedBy],
    [
      texts.message.campaign,
      campaignId && (
        <>
          {campaignId}
          {runId !== undefined && `, ${texts.message.run(runId)}`}
        </>
      ),
    ],
    [texts.message.accepted, <Time key="accepted" time={report.acceptedTime} />],
    [texts.message.sendTime, report.sendTime && <Time key="send" time={report.sendTime} />],
    [texts.message.expires, <Time key="expires" time={report.expiresTime} />],
    [texts.message.finished, report.finishedTime && <Time key="finished" time={report.finishedTime} />],
    [
      texts.message.receipts,
      receipts && (
        <span key="receipts" data-receipts>
          {texts.message.receiptCounts(numberText(receipts.displayed), numberText(receipts.opened))}
        </span>
      ),
    ],
    [texts.message.resendOf, resendOf && link(resendOf)],
    [texts.message.resends, resends.length > 0 && resends.map(link)],
    [
      texts.message.upstream,
      upstream && [upstream.outcome, upstream.messageId, upstream.reason].filter(Boolean).join(', '),
    ],
  ];
  return (
    <Card withBorder h="100%">
      <Title order={2} size="h4" mb="xs">
        {texts.message.facts}
      </Title>
      <Table variant="vertical" withRowBorders={false} layout="fixed">
        <Table.Tbody>
          {rows
            .filter(([, value]) => Boolean(value))
            .map(([name, value]) => (
              <Table.Tr key={name}>
                <Table.Th w={150} bg="transparent" fw={400} scope="row">
                  {name}
                </Table.Th>
                <Table.Td style={{ overflowWrap: 'anywhere' }}>{value}</Table.Td>
              </Table.Tr>
            ))}
        </Table.Tbody>
      </Table>
    </Card>
  );
}
