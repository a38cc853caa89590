"""tmp"""
import os, shutil, signal, subprocess, tempfile, time
from pathlib import Path
def start_spark(master="local[2]", memory="768m", log_file=Path("/tmp/spark.log"), java_options=(), conf=None):
    import pyspark
    from pyspark import SparkConf, SparkContext
    from pyspark.sql import SparkSession
    from pyspark.java_gateway import launch_gateway
    from pyspark.serializers import read_int, UTF8Deserializer
    from warehouse.java import java_home
    OPENS="""java.lang java.lang.invoke java.lang.reflect java.io java.net java.nio java.util java.util.concurrent java.util.concurrent.atomic jdk.internal.ref sun.nio.ch sun.nio.cs sun.security.action sun.util.calendar""".split()
    home=os.path.dirname(pyspark.__file__)
    d=tempfile.mkdtemp(); f=d+"/i"
    cmd=[str(java_home()/"bin/java"),"-XX:+IgnoreUnrecognizedVMOptions","-Xmx"+memory,*(java_options or ["-XX:+UseSerialGC","-XX:TieredStopAtLevel=1"]),"-Dio.netty.tryReflectionSetAccessible=true","--sun-misc-unsafe-memory-access=allow","--enable-native-access=ALL-UNNAMED",
      *[f"--add-opens=java.base/{p}=ALL-UNNAMED" for p in OPENS],
      "-cp",home+"/jars/*","org.apache.spark.deploy.SparkSubmit","pyspark-shell"]
    env=dict(os.environ,_PYSPARK_DRIVER_CONN_INFO_PATH=f,SPARK_CONNECT_MODE="0",SPARK_HOME=home)
    p=subprocess.Popen(cmd,stdin=subprocess.PIPE,env=env,stdout=open(log_file,"ab"),stderr=subprocess.STDOUT,start_new_session=True)
    while p.poll() is None and not os.path.exists(f): time.sleep(.02)
    with open(f,"rb") as i: os.environ["PYSPARK_GATEWAY_PORT"]=str(read_int(i)); os.environ["PYSPARK_GATEWAY_SECRET"]=UTF8Deserializer().loads(i)
    g=launch_gateway()
    g.proc=p
    c=SparkConf().setMaster(master).setAppName("x").setAll(list({"spark.ui.enabled":"false","spark.driver.host":"127.0.0.1","spark.driver.bindAddress":"127.0.0.1","spark.sql.session.timeZone":"UTC","spark.hadoop.mapreduce.fileoutputcommitter.marksuccessfuljobs":"false","spark.sql.sources.partitionColumnTypeInference.enabled":"false",**(conf or {})}.items()))
    sc=SparkContext(conf=c,gateway=g)
    return SparkSession(sc)
def stop_spark(s):
    g=s.sparkContext._gateway; s.stop(); g.shutdown(); g.proc.stdin.close(); g.proc.wait()
