c = get_config()
c.LabApp.default_url = "/lab/tree/my/00-start-here.ipynb"
c.LabApp.news_url = None
c.LabApp.check_for_updates_class = "jupyterlab.NeverCheckForUpdate"
c.LabApp.extension_manager = "readonly"
