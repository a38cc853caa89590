"""One run: inspect, land, build, test, publish, report. Everything or nothing is published."""

from warehouse.datamart.lock import locked
from warehouse.datamart.publish import recover
from warehouse.datamart.runs import open_datamart
from warehouse.pipeline import steps
from warehouse.pipeline.progress import Progress
from warehouse.pipeline.record import Record
from warehouse.pipeline.steps import Options, Published, Work


def run(options: Options, progress: Progress) -> Published:
    """Bring the datamart up to date; returns the published run, new or unchanged.

    A report that cannot be written fails the command, not the run: the run stays published, and the
    next command writes the report.

    Raises:
        UserError: something that the user can put right. Unless the message says otherwise, the
            published datamart is as it was.
    """
    datamart = open_datamart(options.datamart_dir)
    with locked(datamart), Record(datamart, progress) as record:
        work = Work(options, datamart, record, progress)
        steps.warn_of_moved(progress, recover(datamart))
        inspected = steps.inspect(work)
        if inspected.unchanged:
            steps.report(work, inspected.unchanged)
            return inspected.unchanged
        record.begin(inspected.inputs)
        landed = steps.land(work, inspected)
        built = steps.build(work, landed)
        tested = steps.test(work, built)
        published = steps.publish(work, tested)
        steps.report(work, published)
        record.finish()
        return published
